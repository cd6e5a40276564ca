#include "train/experiments/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"

namespace headlight {
namespace {

constexpr double kWidth = 760, kHeight = 440;
constexpr double kLeft = 64, kRight = 748, kTop = 78, kBottom = 372;
constexpr double kLegendTop = 46, kLegendStep = 20;
constexpr std::size_t kColours = 6;

// Okabe & Ito's colours, some darker on light ground and lighter on dark ground to keep contrast.
constexpr std::string_view kStyle = R"(<style>
svg{--ground:#fff;--ink:#24292f;--soft:#57606a;--grid:#d8dee4;
--c0:#0072b2;--c1:#c04a00;--c2:#007a5a;--c3:#a8487f;--c4:#8a6a00;--c5:#4b5563}
@media(prefers-color-scheme:dark){svg{--ground:#0d1117;--ink:#e6edf3;--soft:#9da7b1;--grid:#30363d;
--c0:#56b4e9;--c1:#f08a4b;--c2:#33c79a;--c3:#e29ac4;--c4:#e6c229;--c5:#b8c0cc}}
text{fill:var(--ink);font:13px system-ui,sans-serif}.soft{fill:var(--soft)}
.grid{stroke:var(--grid)}.band{opacity:.18}
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string text_at(double x, double y, std::string_view attributes, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                     escaped(text));
}

/// A mark of about 8 pixels, another for every series.
std::string mark(double x, double y, std::size_t series) {
  const std::string colour = fmt::format("fill=\"var(--c{})\"", series);
  switch (series % 4) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" {}/>\n", x, y, colour);
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\" {}/>\n", x - 3.5,
                         y - 3.5, colour);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 9h-10z\" {}/>\n", x, y - 5, colour);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 5l-5 5l-5 -5z\" {}/>\n", x, y - 5, colour);
  }
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot) {
    if (!plot.categories.empty()) {
      low_ = -0.5;
      high_ = static_cast<double>(plot.categories.size()) - 0.5;
      return;
    }
    low_ = 1e300, high_ = -1e300;
    for (const PlotSeries& series : plot.series)
      for (const PlotPoint& point : series.points) {
        low_ = std::min(low_, scale(point.x));
        high_ = std::max(high_, scale(point.x));
      }
    if (low_ == high_) high_ = low_ + 1;
  }

  std::string svg() const {
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
        "aria-labelledby=\"t d\">\n<title id=\"t\">{2}</title>\n<desc id=\"d\">{3}</desc>\n",
        kWidth, kHeight, escaped(plot_.title), escaped(plot_.about));
    out += kStyle;
    out += fmt::format("<rect width=\"{}\" height=\"{}\" rx=\"8\" fill=\"var(--ground)\"/>\n",
                       kWidth, kHeight);
    out += text_at(16, 26, "font-weight=\"600\" style=\"font-size:16px\"", plot_.title);
    out += legend() + y_axis() + x_axis();
    for (std::size_t s = 0; s < plot_.series.size(); ++s) out += plot_.lines ? line(s) : bars(s);
    return out + "</svg>\n";
  }

 private:
  double scale(double x) const { return plot_.log_x ? std::log10(x) : x; }
  double x_of(double x) const {
    return kLeft + 14 + (scale(x) - low_) / (high_ - low_) * (kRight - kLeft - 28);
  }
  double y_of(double y) const {
    const double share = (y - plot_.y_low) / (plot_.y_high - plot_.y_low);
    return kBottom - std::clamp(share, 0.0, 1.0) * (kBottom - kTop);
  }

  std::string legend() const {
    std::string out;
    double x = 20, y = kLegendTop;
    for (std::size_t s = 0; s < plot_.series.size(); ++s) {
      const std::string& name = plot_.series[s].name;
      const double width = 30 + 7.2 * static_cast<double>(name.size());
      if (x + width > kWidth) x = 20, y += kLegendStep;
      out += mark(x, y - 4, s) + text_at(x + 10, y, "", name);
      x += width;
    }
    return out;
  }

  std::string y_axis() const {
    constexpr int kTicks = 5;
    std::string out;
    for (int i = 0; i <= kTicks; ++i) {
      const double value = plot_.y_low + (plot_.y_high - plot_.y_low) * i / kTicks, y = y_of(value);
      out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>\n", kLeft, y, kRight);
      out += text_at(kLeft - 8, y + 4, "class=\"soft\" text-anchor=\"end\"",
                     fmt::format("{:.6g}", value));
    }
    const double middle = (kTop + kBottom) / 2;
    return out + text_at(18, middle,
                         fmt::format("class=\"soft\" text-anchor=\"middle\" "
                                     "transform=\"rotate(-90 18 {})\"",
                                     middle),
                         plot_.y_label);
  }

  std::string tick(double x, std::string_view name, bool slanted) const {
    const double at = x_of(x);
    const std::string how = slanted ? fmt::format(
                                          "class=\"soft\" text-anchor=\"end\" "
                                          "transform=\"rotate(-20 {:.1f} {})\"",
                                          at + 14, kBottom + 18)
                                    : "class=\"soft\" text-anchor=\"middle\"";
    return text_at(slanted ? at + 14 : at, kBottom + 18, how, name);
  }

  /// Every x that a series has, or round numbers between the least and the largest.
  std::vector<double> ticks() const {
    std::vector<double> out;
    const auto& points = plot_.series.front().points;
    if (points.size() <= 8) {
      for (const PlotPoint& point : points) out.push_back(point.x);
    } else if (plot_.log_x) {
      for (double x = std::pow(10, std::ceil(low_)); std::log10(x) <= high_; x *= 10)
        out.push_back(x);
    } else {
      double step = std::pow(10, std::floor(std::log10(high_ - low_)));
      if ((high_ - low_) / step < 4) step /= 2;
      for (double x = std::ceil(low_ / step) * step; x <= high_; x += step) out.push_back(x);
    }
    return out;
  }

  std::string x_axis() const {
    std::string out = fmt::format("<path class=\"grid\" d=\"M{} {}H{}\" stroke-width=\"2\"/>\n",
                                  kLeft, kBottom, kRight);
    for (std::size_t i = 0; i < plot_.categories.size(); ++i)
      out += tick(static_cast<double>(i), plot_.categories[i], plot_.categories.size() > 6);
    if (plot_.categories.empty())
      for (const double x : ticks()) out += tick(x, fmt::format("{:.6g}", x), false);
    return out + text_at((kLeft + kRight) / 2, kHeight - 12,
                         "class=\"soft\" text-anchor=\"middle\"", plot_.x_label);
  }

  std::string line(std::size_t s) const {
    const auto& points = plot_.series[s].points;
    std::string path, above, below;
    for (const PlotPoint& p : points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x_of(p.x), y_of(p.y));
      above += fmt::format("{}{:.1f} {:.1f}", above.empty() ? "M" : "L", x_of(p.x),
                           y_of(p.y + p.half_height));
      below = fmt::format("L{:.1f} {:.1f}", x_of(p.x), y_of(p.y - p.half_height)) + below;
    }
    std::string out =
        fmt::format("<path class=\"band\" fill=\"var(--c{})\" d=\"{}{}Z\"/>\n", s, above, below);
    out += fmt::format("<path fill=\"none\" stroke=\"var(--c{})\" stroke-width=\"2\" d=\"{}\"/>\n",
                       s, path);
    if (points.size() <= 40)
      for (const PlotPoint& p : points) out += mark(x_of(p.x), y_of(p.y), s);
    return out;
  }

  std::string bars(std::size_t s) const {
    const double room = (kRight - kLeft - 28) / (high_ - low_) * 0.8;
    const auto n = static_cast<double>(plot_.series.size());
    const double aside = (static_cast<double>(s) - (n - 1) / 2) * std::min(room / n, 14.0);
    std::string out;
    for (const PlotPoint& p : plot_.series[s].points) {
      const double x = x_of(p.x) + aside;
      out += fmt::format(
          "<path stroke=\"var(--c{})\" stroke-width=\"2\" d=\"M{:.1f} {:.1f}V{:.1f}\""
          "/>\n",
          s, x, y_of(p.y - p.half_height), y_of(p.y + p.half_height));
      out += mark(x, y_of(p.y), s);
    }
    return out;
  }

  const Plot& plot_;
  double low_, high_;  // of scale(x)
};

void check_plot(const Plot& plot) {
  check(!plot.series.empty() && plot.series.size() <= kColours, "plot",
        "{} series; 1 to {} can be told apart", plot.series.size(), kColours);
  check(plot.y_low < plot.y_high, "plot", "an axis from {} to {}", plot.y_low, plot.y_high);
  for (const PlotSeries& series : plot.series) {
    check(!series.points.empty(), "plot", "series {} has no points", series.name);
    for (const PlotPoint& p : series.points)
      check(std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.half_height) &&
                (!plot.log_x || p.x > 0),
            "plot", "series {}: point {}, {} +- {} cannot be drawn", series.name, p.x, p.y,
            p.half_height);
  }
}

}  // namespace

std::string to_svg(const Plot& plot) {
  check_plot(plot);
  return Drawing(plot).svg();
}

}  // namespace headlight
