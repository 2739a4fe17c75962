#include "ExpertSelection.h"

#include "ExpertChoice.h"
#include "WeightRows.h"
#include "dialects/ONNX/ONNXOps.h"
#include "passes/Raising/EraseUnused.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace moec;

namespace {

/// The parameters of experts of whom only some are left, one after the other.
struct Placement {
  SmallVector<Value> parameters;
  SmallVector<int64_t> segments;
  SmallVector<SmallVector<int64_t>> tables; ///< empty where rows are in the order of experts
};

/// What is left of the segments of parameter p. `places` has for each new expert the old one whose
/// parameters it has, or −1.
llvm::Error placeParameter(WeightEditor &editor, OpBuilder &builder, moe::ExpertsOp op, int64_t p,
                           llvm::ArrayRef<int64_t> places, Placement &placement) {
  auto getRow = [&](int64_t place) { return place < 0 ? std::nullopt : op.getRow(p, place); };
  // By segment, each row's new place; both in the order in which experts have them.
  llvm::MapVector<int64_t, llvm::MapVector<int64_t, int64_t>> used;
  for (int64_t place : places)
    if (auto row = getRow(place)) {
      auto &rows = used[row->first];
      rows.insert({row->second, static_cast<int64_t>(rows.size())});
    }
  llvm::DenseMap<int64_t, int64_t> newSegment;
  for (auto &[segment, rows] : used) {
    Value value = op.getSegmentsOf(p)[segment];
    newSegment.insert({segment, static_cast<int64_t>(newSegment.size())});
    auto numbers = llvm::map_to_vector(rows, [](auto &row) { return row.first; });
    bool hasAll = static_cast<int64_t>(numbers.size()) ==
                  cast<RankedTensorType>(value.getType()).getDimSize(0);
    if (!hasAll || !llvm::is_sorted(numbers)) {
      llvm::Expected<Value> part = takeRows(editor, builder, value, 0, numbers);
      if (part) {
        placement.parameters.push_back(*part);
        continue;
      }
      if (!hasAll)
        return part.takeError();
      // Rows that cannot be moved are found where they are.
      llvm::consumeError(part.takeError());
      for (auto &[row, index] : rows)
        index = row;
    }
    placement.parameters.push_back(value);
  }
  SmallVector<int64_t> table;
  bool isInOrder = true;
  std::pair<int64_t, int64_t> next(0, 0);
  for (int64_t place : places) {
    auto row = getRow(place);
    if (!row) {
      table.append({-1, -1});
      isInOrder = false;
      continue;
    }
    const auto &rows = used[row->first];
    int64_t segment = newSegment[row->first], index = rows.lookup(row->second);
    isInOrder &= std::pair(segment, index) == next;
    next = index + 1 < static_cast<int64_t>(rows.size()) ? std::pair(segment, index + 1)
                                                         : std::pair(segment + 1, int64_t(0));
    table.append({segment, index});
  }
  placement.segments.push_back(newSegment.size());
  placement.tables.push_back(isInOrder ? SmallVector<int64_t>() : table);
  return llvm::Error::success();
}

llvm::Expected<Placement> place(WeightEditor &editor, moe::ExpertsOp op,
                                llvm::ArrayRef<int64_t> places) {
  Placement placement;
  OpBuilder builder(op);
  for (int64_t p = 0; p < op.getNumParameters(); ++p)
    if (llvm::Error error = placeParameter(editor, builder, op, p, places, placement))
      return std::move(error);
  return placement;
}

/// The experts with other parameters, `numExperts` of them.
void replaceParameters(moe::ExpertsOp op, const Placement &placement, int64_t numExperts) {
  Builder builder(op.getContext());
  SmallVector<Value> before(op.getParameters());
  op.getParametersMutable().assign(placement.parameters);
  op.setSegments(placement.segments);
  op.setNumExperts(numExperts);
  SmallVector<Attribute> tables;
  for (const SmallVector<int64_t> &table : placement.tables)
    tables.push_back(builder.getDenseI64ArrayAttr(table));
  bool hasTable = llvm::any_of(placement.tables, [](const auto &table) { return !table.empty(); });
  op.setTablesAttr(hasTable ? builder.getArrayAttr(tables) : ArrayAttr());
  eraseUnusedDefinitions(before);
}

/// The logits of some experts: those of a smaller linear layer where there is one, else a part.
Value takeLogits(WeightEditor &editor, OpBuilder &builder, Value logits,
                 llvm::ArrayRef<int64_t> kept) {
  auto linear = logits.getDefiningOp<moe::LinearOp>();
  if (!linear)
    return takeElements(editor, builder, logits, 1, kept);
  builder.setInsertionPoint(linear);
  llvm::Expected<Value> weight =
      takeRows(editor, builder, linear.getWeight(), linear.getTransposed() ? 0 : 1, kept);
  if (!weight) {
    llvm::consumeError(weight.takeError());
    builder.setInsertionPointAfter(linear);
    return takeElements(editor, builder, logits, 1, kept);
  }
  Value bias = linear.getBias();
  if (bias)
    bias = takeElements(editor, builder, bias, 0, kept);
  auto type = linear.getResult().getType();
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = kept.size();
  return moe::LinearOp::create(builder, linear.getLoc(),
                               RankedTensorType::get(shape, type.getElementType()),
                               linear.getInput(), *weight, bias, linear.getTransposed());
}

void renumber(WeightEditor &editor, moe::RouteOp route, llvm::ArrayRef<int64_t> kept) {
  OpBuilder builder(route);
  Value logits = route.getLogits();
  route.getLogitsMutable().assign(takeLogits(editor, builder, logits, kept));
  builder.setInsertionPoint(route);
  for (MutableOperandRange range :
       {route.getSelectionBiasMutable(), route.getAliveMutable(), route.getExternalMutable()})
    if (!range.empty()) {
      Value value = range[0].get();
      int64_t last = cast<RankedTensorType>(value.getType()).getRank() - 1;
      range.assign(takeElements(editor, builder, value, last, kept));
    }
  if (Operation *definition = logits.getDefiningOp())
    eraseUnused(definition);
}

/// Whether expert e is alive is a constant from now on, and what the model says besides.
void mask(WeightEditor &editor, moe::RouteOp route, llvm::ArrayRef<int64_t> kept) {
  OpBuilder builder(route);
  int64_t numExperts = route.getNumExperts();
  SmallVector<bool> isKept(numExperts, false);
  for (int64_t e : kept)
    isKept[e] = true;
  Value before = route.getAlive();
  std::vector<float> known = before ? readVector(editor, before, numExperts) : std::vector<float>();
  for (auto [e, value] : llvm::enumerate(known))
    isKept[e] = isKept[e] && value != 0;
  auto type = RankedTensorType::get(numExperts, builder.getI1Type());
  Value alive =
      onnx::ConstantOp::create(builder, route.getLoc(), type,
                               cast<ElementsAttr>(Attribute(DenseElementsAttr::get(type, isKept))));
  if (before && known.empty())
    alive = onnx::NodeOp::create(builder, route.getLoc(), TypeRange(before.getType()), "", "And", 7,
                                 ValueRange{before, alive})
                ->getResult(0);
  route.getAliveMutable().assign(alive);
}

} // namespace

llvm::Error moec::selectExperts(WeightEditor &editor, moe::RouteOp route,
                                llvm::ArrayRef<moe::ExpertsOp> layers,
                                llvm::ArrayRef<int64_t> selected, RouterChange change) {
  SmallVector<int64_t> places(selected);
  if (change == RouterChange::Mask) {
    places.assign(route.getNumExperts(), -1);
    for (int64_t e : selected)
      places[e] = e;
  }
  std::vector<Placement> placements;
  for (moe::ExpertsOp experts : layers) {
    llvm::Expected<Placement> placement = place(editor, experts, places);
    if (!placement)
      return placement.takeError();
    placements.push_back(std::move(*placement));
  }
  for (auto [experts, placement] : llvm::zip(layers, placements))
    replaceParameters(experts, placement, places.size());
  change == RouterChange::Renumber ? renumber(editor, route, selected)
                                   : mask(editor, route, selected);
  return llvm::Error::success();
}

llvm::Error moec::placeExperts(WeightEditor &editor, moe::ExpertsOp experts,
                               llvm::ArrayRef<int64_t> places) {
  llvm::Expected<Placement> placement = place(editor, experts, places);
  if (!placement)
    return placement.takeError();
  replaceParameters(experts, *placement, places.size());
  return llvm::Error::success();
}
