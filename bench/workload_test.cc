// What bench/compare times must be what it says: the workloads against plain loops in double.
#include "workload.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "case_data.h"
#include "core/error.h"

namespace headlight::bench {
namespace {

using Doubles = std::vector<double>;

Doubles doubles(const Tensor& from) {
  return {from.span<float>().begin(), from.span<float>().end()};
}

Doubles linear(const Doubles& x, const Doubles& w, const Doubles& b) {
  const std::size_t n = b.size(), k = w.size() / n, rows = x.size() / k;
  Doubles y(rows * n);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = b[j];
      for (std::size_t i = 0; i < k; ++i) sum += x[r * k + i] * w[j * k + i];
      y[r * n + j] = sum;
    }
  return y;
}

// Attention of one batch item, heads side by side in rows of `q_row` and `kv_row` values.
Doubles attend(const Case& c, const double* q, const double* k, const double* v, std::size_t q_row,
               std::size_t kv_row) {
  const auto tq = static_cast<std::size_t>(c.q_len), tkv = static_cast<std::size_t>(c.kv_len);
  const auto heads = static_cast<std::size_t>(c.n_heads), d = static_cast<std::size_t>(c.head_dim);
  const std::size_t group = heads / static_cast<std::size_t>(c.n_kv_heads);
  Doubles z(tq * heads * d);
  for (std::size_t i = 0; i < tq; ++i)
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t last = c.causal ? i + tkv - tq + 1 : tkv, g = h / group;
      Doubles weight(last);
      double total = 0;
      for (std::size_t j = 0; j < last; ++j) {
        double dot = 0;
        for (std::size_t e = 0; e < d; ++e)
          dot += q[i * q_row + h * d + e] * k[j * kv_row + g * d + e];
        total += weight[j] = std::exp(dot / std::sqrt(static_cast<double>(d)));
      }
      for (std::size_t j = 0; j < last; ++j)
        for (std::size_t e = 0; e < d; ++e)
          z[(i * heads + h) * d + e] += weight[j] / total * v[j * kv_row + g * d + e];
    }
  return z;
}

double largest_difference(TensorView got, const Doubles& want) {
  EXPECT_EQ(static_cast<std::size_t>(got.numel()), want.size());
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    worst = std::max(worst, std::abs(got.as<float>()[i] - want[i]));
  return worst;
}

constexpr double kTolerance = 1e-5;  // values of about 1, sums of at most 64 products

TEST(CaseData, IsWhatTheOtherWorkersMake) {
  const Tensor q = uniform(Stream::q, {5}, 1);
  const std::array<float, 5> want{0x1.24b7b0p-1f, -0x1.76ae00p-6f, -0x1.f106c0p-2f, 0x1.723378p-1f,
                                  0x1.c8ac34p-1f};
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_EQ(q.span<float>()[i], want[i]) << i;
}

TEST(Workload, CoreIsAttention) {
  for (const bool causal : {false, true}) {
    const Case c{.kind = "core",
                 .q_len = 7,
                 .kv_len = 9,
                 .n_heads = 4,
                 .n_kv_heads = 2,
                 .head_dim = 8,
                 .causal = causal};
    const auto workload = make_workload(c);
    workload->run();
    const double unit = std::sqrt(3.0);
    const Doubles q = doubles(uniform(Stream::q, {7, 32}, unit));
    const Doubles k = doubles(uniform(Stream::k, {9, 16}, unit));
    const Doubles v = doubles(uniform(Stream::v, {9, 16}, unit));
    const Doubles want = attend(c, q.data(), k.data(), v.data(), 32, 16);
    EXPECT_LT(largest_difference(workload->outputs().at(0), want), kTolerance) << causal;
  }
}

TEST(Workload, CoreRoundsItsInputsToTheStorage) {
  Case c{.kind = "core", .q_len = 7, .kv_len = 9, .n_heads = 4, .n_kv_heads = 2, .head_dim = 8};
  const auto wide = make_workload(c);
  c.dtype = DType::bf16;
  const auto narrow = make_workload(c);
  wide->run();
  narrow->run();
  const Tensor z = to_f32(narrow->outputs().at(0));
  const double difference = largest_difference(wide->outputs().at(0), doubles(z));
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference, 0.05) << "bf16 keeps 8 bits";
}

// The layer of two sequences of 5 and width 16, on any x.
Doubles small_layer(const Case& c, const Doubles& x) {
  const double scale = std::sqrt(3.0 / 16);
  const Doubles qkv = linear(x, doubles(uniform(Stream::w_qkv, {48, 16}, scale)),
                             doubles(uniform(Stream::b_qkv, {48}, 0.1)));
  Doubles z;
  for (std::size_t b = 0; b < 2; ++b) {
    const double* first = qkv.data() + b * 5 * 48;
    const Doubles item = attend(c, first, first + 16, first + 32, 48, 48);
    z.insert(z.end(), item.begin(), item.end());
  }
  return linear(z, doubles(uniform(Stream::w_o, {16, 16}, scale)),
                doubles(uniform(Stream::b_o, {16}, 0.1)));
}

TEST(Workload, LayerIsProjectionAttentionProjection) {
  const Case c{.kind = "layer",
               .batch = 2,
               .q_len = 5,
               .kv_len = 5,
               .n_heads = 2,
               .n_kv_heads = 2,
               .head_dim = 8,
               .causal = true};
  const auto workload = make_workload(c);
  workload->run();
  const Doubles want = small_layer(c, doubles(uniform(Stream::x, {10, 16}, std::sqrt(3.0))));
  EXPECT_LT(largest_difference(workload->outputs().at(0), want), kTolerance);
}

// dq . q summed over a row of queries is the derivative of the loss along scaling q.
TEST(Workload, CoreTrainGivesGradients) {
  const Case c{
      .kind = "core_train", .q_len = 6, .kv_len = 6, .n_heads = 2, .n_kv_heads = 2, .head_dim = 8};
  const auto workload = make_workload(c);
  workload->run();
  const double unit = std::sqrt(3.0), step = 1e-4;
  const Doubles q = doubles(uniform(Stream::q, {6, 16}, unit));
  const Doubles k = doubles(uniform(Stream::k, {6, 16}, unit));
  const Doubles v = doubles(uniform(Stream::v, {6, 16}, unit));
  const Doubles d_z = doubles(uniform(Stream::d_out, {6, 16}, 1));
  const auto loss = [&](double factor) {
    Doubles scaled = q;
    for (double& value : scaled) value *= factor;
    const Doubles z = attend(c, scaled.data(), k.data(), v.data(), 16, 16);
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) sum += z[i] * d_z[i];
    return sum;
  };
  double along_q = 0;
  for (std::size_t i = 0; i < q.size(); ++i)
    along_q += workload->outputs().at(1).as<float>()[i] * q[i];
  EXPECT_NEAR(along_q, (loss(1 + step) - loss(1 - step)) / (2 * step), kTolerance);
}

// The layer's output is the other workload's; dx . x is the derivative along scaling x.
TEST(Workload, TrainIsTheLayerWithGradients) {
  Case c{.kind = "layer",
         .batch = 2,
         .q_len = 5,
         .kv_len = 5,
         .n_heads = 2,
         .n_kv_heads = 2,
         .head_dim = 8,
         .causal = true};
  const auto layer = make_workload(c);
  c.kind = "train";
  const auto train = make_workload(c);
  for (const auto& workload : {layer.get(), train.get()}) workload->run();
  const TensorView y = layer->outputs().at(0);
  EXPECT_LT(largest_difference(train->outputs().at(0), {y.as<float>(), y.as<float>() + y.numel()}),
            kTolerance);
  const double step = 1e-4;
  const Doubles x = doubles(uniform(Stream::x, {10, 16}, std::sqrt(3.0)));
  const Doubles d_y = doubles(uniform(Stream::d_out, {10, 16}, 1));
  const auto loss = [&](double factor) {
    Doubles scaled = x;
    for (double& value : scaled) value *= factor;
    const Doubles out = small_layer(c, scaled);
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * d_y[i];
    return sum;
  };
  double along_x = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    along_x += train->outputs().at(1).as<float>()[i] * x[i];
  EXPECT_NEAR(along_x, (loss(1 + step) - loss(1 - step)) / (2 * step), 1e-4);
}

TEST(Workload, RefusesWhatIsNotACase) {
  EXPECT_THROW(make_workload({.kind = "corn"}), Error);
  EXPECT_THROW(make_workload({.kind = "core", .q_len = 0}), Error);
  EXPECT_THROW(make_workload({.kind = "layer", .q_len = 2, .kv_len = 3}), Error);
  EXPECT_THROW(make_workload({.kind = "layer", .dtype = DType::bf16}), Error);
}

// One conversation with the program itself.
std::vector<nlohmann::json> ask(const std::string& lines) {
  const char* headlight = std::getenv("HEADLIGHT_BINARY");
  if (!headlight) return {};
  const auto worker = std::filesystem::path(headlight).replace_filename("bench_worker");
  const std::string command = "printf '%s' '" + lines + "' | '" + worker.string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (int byte = fgetc(pipe); byte != EOF; byte = fgetc(pipe)) text += static_cast<char>(byte);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 0);
  std::vector<nlohmann::json> replies;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    replies.push_back(nlohmann::json::parse(text.substr(at, end - at)));
  return replies;
}

TEST(BenchWorker, AnswersEveryLine) {
  if (!std::getenv("HEADLIGHT_BINARY")) GTEST_SKIP() << "HEADLIGHT_BINARY is not set";
  const std::string tiny =
      R"({"kind":"core","batch":1,"q_len":3,"kv_len":3,"n_heads":2,"n_kv_heads":2,)"
      R"("head_dim":8,"causal":true,"dtype":"f32"})";
  const auto replies = ask(R"({"do":"load","variant":"a","case":)" + tiny + "}\n" +
                           R"({"do":"time","variant":"a","seconds":0.001})" + "\nnot json\n" +
                           R"({"do":"time","variant":"b","seconds":1})" + "\n");
  ASSERT_EQ(replies.size(), 4u);
  EXPECT_TRUE(replies[0].contains("rss_mib")) << replies[0];
  ASSERT_TRUE(replies[1].contains("wall_ms")) << replies[1];
  EXPECT_GE(replies[1]["wall_ms"].size(), 1u);
  EXPECT_TRUE(replies[2].contains("error")) << replies[2];
  EXPECT_NE(replies[3]["error"].get<std::string>().find("not loaded"), std::string::npos);
}

}  // namespace
}  // namespace headlight::bench
