// A plot as an SVG picture that reads in light and in dark.
#pragma once

#include <string>
#include <vector>

namespace headlight {

struct PlotPoint {
  double x, y;
  double half_height = 0;  ///< of the interval around y
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;
};

/// At most six series; colours that the colour-blind tell apart (Okabe & Ito 2008), and a mark of
/// its own for each. With lines, points are joined and intervals are bands; without, every point
/// has a bar, and points of one x stand beside each other.
struct Plot {
  std::string title = {}, about = {};  ///< `about`: a sentence for those who cannot see the picture
  std::string x_label = {}, y_label = {};
  std::vector<std::string> categories = {};  ///< names of x = 0, 1 ...; empty: x is a number
  bool log_x = false;                        ///< x > 0
  bool lines = true;
  double y_low = 0, y_high = 1;  ///< of the axis; points outside are cut off
  std::vector<PlotSeries> series = {};
};

/// Throws when there is nothing to plot, more series than colours, or a number that is not finite.
std::string to_svg(const Plot& plot);

}  // namespace headlight
