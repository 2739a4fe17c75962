#include "ExpertChoice.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"
#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace mlir;
using namespace moec;

/// Calls `visit` with the elements of each row of each segment of parameter p.
static llvm::Error
forEachRow(WeightEditor &editor, moe::ExpertsOp experts, int64_t p,
           llvm::function_ref<void(int64_t segment, int64_t row, llvm::ArrayRef<float>)> visit) {
  for (auto [i, segment] : llvm::enumerate(experts.getSegmentsOf(p))) {
    llvm::Expected<WeightTensor> tensor = editor.read(segment);
    if (!tensor)
      return tensor.takeError();
    int64_t numRows = tensor->shape.front();
    int64_t size = tensor->getNumElements() / std::max<int64_t>(numRows, 1);
    for (int64_t row = 0; row < numRows; ++row)
      visit(i, row, llvm::ArrayRef(tensor->values).slice(row * size, size));
  }
  return llvm::Error::success();
}

/// Adds up what `measure` says of the rows of each expert.
template <typename T, typename Measure, typename Join>
static llvm::Error measureExperts(WeightEditor &editor, moe::ExpertsOp experts, Measure measure,
                                  Join join, std::vector<T> &results) {
  for (int64_t p = 0; p < experts.getNumParameters(); ++p) {
    std::vector<std::vector<T>> rows(experts.getSegmentsOf(p).size());
    auto visit = [&](int64_t segment, int64_t, llvm::ArrayRef<float> values) {
      rows[segment].push_back(measure(values));
    };
    if (llvm::Error error = forEachRow(editor, experts, p, visit))
      return error;
    for (auto [e, result] : llvm::enumerate(results))
      if (auto place = experts.getRow(p, e))
        join(result, rows[place->first][place->second]);
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<double>> moec::getSquaredNorms(WeightEditor &editor,
                                                          llvm::ArrayRef<moe::ExpertsOp> layers) {
  moe::ExpertsOp first = layers.front();
  std::vector<double> norms(first.getNumExperts(), 0);
  auto measure = [](llvm::ArrayRef<float> values) {
    double sum = 0;
    for (float value : values)
      sum += static_cast<double>(value) * value;
    return sum;
  };
  for (moe::ExpertsOp experts : layers)
    if (llvm::Error error = measureExperts(
            editor, experts, measure, [](double &sum, double row) { sum += row; }, norms))
      return std::move(error);
  return norms;
}

std::vector<double> moec::getRandomScores(int64_t numExperts, int64_t seed, StringRef layer) {
  // The generator is the standard's, its distributions are not the same everywhere.
  std::mt19937_64 generator(static_cast<uint64_t>(seed) ^ llvm::xxh3_64bits(layer));
  std::vector<double> scores(numExperts);
  for (double &score : scores)
    score = static_cast<double>(generator() >> 11) * 0x1p-53;
  return scores;
}

SmallVector<int64_t> moec::getLargestFirst(llvm::ArrayRef<double> scores) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, scores.size()));
  // What is no number counts least, so that any weights have an order.
  auto getKey = [&](int64_t i) {
    return std::isnan(scores[i]) ? -std::numeric_limits<double>::infinity() : scores[i];
  };
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::pair(-getKey(a), a) < std::pair(-getKey(b), b);
  });
  return order;
}

SmallVector<int64_t> moec::getSmallest(llvm::ArrayRef<double> scores, int64_t count) {
  SmallVector<int64_t> order = getLargestFirst(scores);
  SmallVector<int64_t> smallest(llvm::ArrayRef(order).take_back(count));
  llvm::sort(smallest);
  return smallest;
}

llvm::Expected<SmallVector<int64_t>> moec::putFirst(llvm::ArrayRef<int64_t> named, int64_t size) {
  SmallVector<int64_t> order;
  std::vector<bool> isNamed(size, false);
  for (int64_t index : named) {
    if (index < 0 || index >= size)
      return llvm::createStringError("names " + Twine(index) + ", expected 0 to " +
                                     Twine(size - 1));
    if (isNamed[index])
      return llvm::createStringError("names " + Twine(index) + " twice");
    isNamed[index] = true;
    order.push_back(index);
  }
  for (int64_t index = 0; index < size; ++index)
    if (!isNamed[index])
      order.push_back(index);
  return order;
}

bool moec::canChooseAnyGroups(moe::RouteOp route, llvm::ArrayRef<int64_t> kept) {
  int64_t size = route.getNumExperts() / route.getGroups();
  SmallVector<int64_t> counts(route.getGroups(), 0);
  for (int64_t e : kept)
    ++counts[e / size];
  llvm::erase(counts, 0);
  llvm::sort(counts);
  if (counts.size() < route.getTopGroups() ||
      counts.front() < static_cast<int64_t>(route.getGroupTop()))
    return false;
  int64_t fewest = llvm::sum_of(llvm::ArrayRef(counts).take_front(route.getTopGroups()));
  return fewest >= static_cast<int64_t>(route.getK());
}

SmallVector<int64_t> moec::getSmallestInGroups(moe::RouteOp route, const std::vector<bool> &live,
                                               llvm::ArrayRef<double> scores, int64_t count) {
  int64_t size = route.getNumExperts() / route.getGroups();
  std::set<int64_t> kept, removed;
  for (int64_t e = 0, end = live.size(); e < end; ++e)
    if (live[e])
      kept.insert(e);
  for (int64_t e : llvm::reverse(getLargestFirst(scores))) {
    if (!kept.contains(e))
      continue;
    // What is left of a group goes with the last expert that its rating needs.
    std::set<int64_t> leaving;
    for (int64_t other : kept)
      if (other / size == e / size)
        leaving.insert(other);
    if (static_cast<int64_t>(leaving.size()) > static_cast<int64_t>(route.getGroupTop()))
      leaving = {e};
    SmallVector<int64_t> others;
    for (int64_t other : kept)
      if (!leaving.contains(other))
        others.push_back(other);
    if (static_cast<int64_t>(removed.size() + leaving.size()) > count ||
        !canChooseAnyGroups(route, others))
      continue;
    kept = std::set<int64_t>(others.begin(), others.end());
    removed.insert(leaving.begin(), leaving.end());
  }
  return llvm::to_vector(removed);
}

std::vector<float> moec::readVector(WeightEditor &editor, Value value, int64_t size) {
  llvm::Expected<WeightTensor> tensor = editor.read(value);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return {};
  }
  return tensor->getNumElements() == size ? std::move(tensor->values) : std::vector<float>();
}

namespace {

/// What is known of the values that a route compares.
struct Comparison {
  std::vector<float> selectionBias;       ///< all 0 where there is none
  std::vector<std::vector<float>> logits; ///< of each expert column and bias, where both are known
  bool isBounded;                         ///< scores are between 0 and 1

  /// Whether expert `better` is always chosen before expert `e`.
  bool isBehind(int64_t e, int64_t better) const {
    // More than rounding can take away.
    if (isBounded && selectionBias[better] - selectionBias[e] > 1.001f)
      return true;
    if (logits.empty() || better >= e || selectionBias[better] < selectionBias[e])
      return false;
    return llvm::equal(llvm::ArrayRef(logits[e]).drop_back(),
                       llvm::ArrayRef(logits[better]).drop_back()) &&
           logits[better].back() >= logits[e].back();
  }
};

} // namespace

/// The columns of the router with their biases; nothing if they are not known.
static std::vector<std::vector<float>> readLogits(WeightEditor &editor, moe::RouteOp route) {
  auto linear = route.getLogits().getDefiningOp<moe::LinearOp>();
  if (!linear)
    return {};
  int64_t numExperts = route.getNumExperts();
  std::vector<float> bias(numExperts, 0);
  if (linear.getBias())
    bias = readVector(editor, linear.getBias(), numExperts);
  llvm::Expected<WeightTensor> weight = editor.read(linear.getWeight());
  if (!weight || bias.empty()) {
    if (!weight)
      llvm::consumeError(weight.takeError());
    return {};
  }
  int64_t width = linear.getInWidth();
  std::vector<std::vector<float>> logits(numExperts);
  for (int64_t e = 0; e < numExperts; ++e) {
    for (int64_t i = 0; i < width; ++i)
      logits[e].push_back(
          weight->values[linear.getTransposed() ? e * width + i : i * numExperts + e]);
    logits[e].push_back(bias[e]);
  }
  return logits;
}

SmallVector<int64_t> moec::findIdleExperts(WeightEditor &editor, moe::RouteOp route) {
  int64_t numExperts = route.getNumExperts();
  SmallVector<int64_t> idle;
  std::vector<float> alive(numExperts, 1);
  if (route.getAlive())
    alive = readVector(editor, route.getAlive(), numExperts);
  if (alive.empty())
    return idle;
  Comparison comparison{std::vector<float>(numExperts, 0), {}, false};
  if (route.getSelectionBias())
    comparison.selectionBias = readVector(editor, route.getSelectionBias(), numExperts);
  // In groups, and in a sparse mixer's rounds, choices are not comparisons of two experts alone.
  bool isPlain = route.getGroups() == 1 && route.getScore() != moe::ScoreFunction::SparseMixer &&
                 !comparison.selectionBias.empty();
  if (isPlain) {
    comparison.logits = readLogits(editor, route);
    comparison.isBounded =
        !route.getSelectLogits() && (route.getScore() == moe::ScoreFunction::Softmax ||
                                     route.getScore() == moe::ScoreFunction::Sigmoid);
  }
  for (int64_t e = 0; e < numExperts; ++e) {
    int64_t numBetter = 0, numAlive = 0;
    for (int64_t better = 0; better < numExperts; ++better)
      if (better != e && alive[better] != 0) {
        ++numAlive;
        numBetter += isPlain && comparison.isBehind(e, better);
      }
    int64_t k = route.getK();
    if (alive[e] == 0 ? numAlive >= k : numBetter >= k)
      idle.push_back(e);
  }
  return idle;
}

llvm::Expected<SmallVector<int64_t>> moec::findEqualExperts(WeightEditor &editor,
                                                            moe::ExpertsOp experts) {
  int64_t numExperts = experts.getNumExperts();
  // Candidates by their hashes, then compared.
  std::vector<std::vector<uint64_t>> hashes(numExperts);
  auto measure = [](llvm::ArrayRef<float> values) {
    return std::vector<uint64_t>{llvm::xxh3_64bits(llvm::ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(float)))};
  };
  auto join = [](std::vector<uint64_t> &all, const std::vector<uint64_t> &row) {
    all.push_back(row.front());
  };
  if (llvm::Error error = measureExperts(editor, experts, measure, join, hashes))
    return std::move(error);
  SmallVector<int64_t> places;
  for (int64_t e = 0; e < numExperts; ++e) {
    bool isNull = static_cast<int64_t>(hashes[e].size()) < experts.getNumParameters();
    auto same = llvm::find(hashes, hashes[e]);
    places.push_back(isNull ? -1 : same - hashes.begin());
  }
  for (int64_t p = 0; p < experts.getNumParameters(); ++p) {
    std::vector<std::vector<std::vector<float>>> rows(experts.getSegmentsOf(p).size());
    bool hasCandidates = false;
    for (auto [e, place] : llvm::enumerate(places))
      hasCandidates |= place >= 0 && place != static_cast<int64_t>(e);
    if (!hasCandidates)
      break;
    auto visit = [&](int64_t segment, int64_t, llvm::ArrayRef<float> values) {
      rows[segment].emplace_back(values);
    };
    if (llvm::Error error = forEachRow(editor, experts, p, visit))
      return std::move(error);
    auto rowOf = [&](int64_t e) -> llvm::ArrayRef<float> {
      auto [segment, row] = *experts.getRow(p, e);
      return rows[segment][row];
    };
    for (auto [e, place] : llvm::enumerate(places)) {
      if (place < 0 || place == static_cast<int64_t>(e))
        continue;
      llvm::ArrayRef<float> a = rowOf(e), b = rowOf(place);
      if (std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0)
        place = e;
    }
  }
  return places;
}

std::vector<bool> moec::getLiveExperts(WeightEditor &editor, moe::RouteOp route,
                                       llvm::ArrayRef<moe::ExpertsOp> layers) {
  int64_t numExperts = route.getNumExperts();
  std::vector<float> alive;
  if (route.getAlive())
    alive = readVector(editor, route.getAlive(), numExperts);
  std::vector<bool> live(numExperts, true);
  for (int64_t e = 0; e < numExperts; ++e) {
    live[e] = alive.empty() || alive[e] != 0;
    for (moe::ExpertsOp experts : layers)
      for (int64_t p = 0; p < experts.getNumParameters(); ++p)
        live[e] = live[e] && e < static_cast<int64_t>(experts.getNumExperts()) &&
                  experts.getRow(p, e).has_value();
  }
  return live;
}
