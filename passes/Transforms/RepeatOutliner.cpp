#include "passes/Transforms/RepeatOutliner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <map>

using namespace mlir;
using namespace moec;

bool moec::isLeaf(Operation *op) {
  return op->getNumOperands() == 0 && op->getNumRegions() == 0 && op->getNumResults() == 1 &&
         isPure(op);
}

static Operation *getLeaf(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isLeaf(op) ? op : nullptr;
}

/// The number of an integer constant of type index.
static std::optional<int64_t> getIndex(Value value) {
  APInt constant;
  if (!value.getType().isIndex() || !matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

RepeatedCode::RepeatedCode(SmallVector<ArrayRef<Operation *>, 0> list, OperationClasses &classes)
    : stretches(std::move(list)), classes(classes) {
  findColumns();
  findResults();
  findArguments();
}

void RepeatedCode::findColumns() {
  // Operands that are the same value in each stretch are one column. Leaves of one class count as
  // one value: stretches may lie in different functions.
  std::map<SmallVector<uintptr_t>, unsigned> known;
  std::vector<Column> perSlot;
  for (auto [number, stretch] : llvm::enumerate(stretches)) {
    DenseMap<Operation *, unsigned> index;
    for (auto [i, op] : llvm::enumerate(stretch))
      index[op] = i + 1;
    unsigned slot = 0;
    for (Operation *op : stretch)
      forEachOutsideOperand(op, [&, number = number](OpOperand &operand) {
        if (number == 0) {
          slots.emplace_back();
          perSlot.emplace_back();
          if (Operation *definer = operand.get().getDefiningOp())
            slots.back().definer = index.lookup(definer);
          if (slots.back().definer)
            slots.back().result = cast<OpResult>(operand.get()).getResultNumber();
        }
        if (!slots[slot].definer)
          perSlot[slot].push_back(operand.get());
        ++slot;
      });
  }
  for (auto [slot, column] : llvm::zip(slots, perSlot)) {
    if (slot.definer)
      continue;
    SmallVector<uintptr_t> key;
    for (Value value : column) {
      Operation *leaf = getLeaf(value);
      key.push_back(leaf ? classes.get(leaf) * 2 + 1
                         : reinterpret_cast<uintptr_t>(value.getAsOpaquePointer()));
    }
    auto [it, isNew] = known.try_emplace(std::move(key), columns.size());
    if (isNew)
      columns.push_back(std::move(column));
    slot.column = it->second;
  }
}

void RepeatedCode::findResults() {
  llvm::SetVector<std::pair<unsigned, unsigned>> used;
  for (ArrayRef<Operation *> stretch : stretches) {
    DenseSet<Operation *> inside(stretch.begin(), stretch.end());
    for (auto [i, op] : llvm::enumerate(stretch))
      for (OpResult result : op->getResults())
        for (Operation *user : result.getUsers())
          if (!inside.contains(op->getBlock()->findAncestorOpInBlock(*user))) {
            used.insert({i, result.getResultNumber()});
            break;
          }
  }
  results = used.takeVector();
  llvm::sort(results);
}

void RepeatedCode::findArguments() {
  std::map<SmallVector<int64_t>, std::pair<unsigned, int64_t>> bases;
  for (auto [number, column] : llvm::enumerate(columns)) {
    bool isSameLeaf = llvm::all_of(column, [&](Value value) {
      Operation *leaf = getLeaf(value), *first = getLeaf(column[0]);
      return leaf && first && classes.get(leaf) == classes.get(first);
    });
    if (isSameLeaf)
      continue;
    // Numbers that grow alike from one stretch to the next (places in an arena do) are one
    // argument.
    SmallVector<int64_t> growth;
    std::optional<int64_t> first = getIndex(column[0]);
    for (Value value : column)
      if (std::optional<int64_t> constant = getIndex(value); first && constant)
        growth.push_back(*constant - *first);
    if (growth.size() == column.size()) {
      auto [it, isNew] = bases.try_emplace(growth, arguments.size(), *first);
      if (!isNew) {
        derived[number] = {it->second.first, *first - it->second.second};
        continue;
      }
    }
    arguments.push_back(number);
  }
}

int64_t RepeatedCode::getSaved() const {
  int64_t count = stretches.size(), length = stretches[0].size();
  int64_t passed = arguments.size() + results.size();
  return (count - 1) * length - count * (1 + passed / 2);
}

Value RepeatedCode::emitColumn(unsigned column, Block &body, OpBuilder &builder) {
  auto argument = llvm::find(arguments, column);
  if (argument != arguments.end())
    return body.getArgument(argument - arguments.begin());
  Value value = columns[column][0];
  auto it = derived.find(column);
  if (it == derived.end())
    return builder.clone(*value.getDefiningOp())->getResult(0);
  auto [base, difference] = it->second;
  Value constant = arith::ConstantIndexOp::create(builder, value.getLoc(), difference);
  return arith::AddIOp::create(builder, value.getLoc(), body.getArgument(base), constant);
}

func::FuncOp RepeatedCode::createFunction(StringRef name) {
  ArrayRef<Operation *> model = stretches[0];
  SmallVector<Type> inputs, outputs;
  for (unsigned column : arguments)
    inputs.push_back(columns[column][0].getType());
  for (auto [op, result] : results)
    outputs.push_back(model[op]->getResult(result).getType());
  Location loc = model[0]->getLoc();
  OpBuilder builder(model[0]->getContext());
  auto function = func::FuncOp::create(loc, name, builder.getFunctionType(inputs, outputs));
  function.setPrivate();
  function.setNoInline(true);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  SmallVector<Value> values;
  for (unsigned column = 0; column < columns.size(); ++column)
    values.push_back(emitColumn(column, *body, builder));
  SmallVector<Operation *> clones;
  unsigned slot = 0;
  for (Operation *op : model) {
    Operation *clone = clones.emplace_back(builder.clone(*op));
    // One value outside may be several arguments, so this goes by operands, not by values.
    forEachOutsideOperand(clone, [&](OpOperand &operand) {
      const Slot &from = slots[slot++];
      operand.set(from.definer ? clones[from.definer - 1]->getResult(from.result)
                               : values[from.column]);
    });
  }
  SmallVector<Value> returned;
  for (auto [op, result] : results)
    returned.push_back(clones[op]->getResult(result));
  func::ReturnOp::create(builder, loc, returned);
  for (ArrayRef<Operation *> stretch : stretches)
    for (auto [op, clone] : llvm::zip(stretch, clones))
      classes.replace(op, clone);
  return function;
}

void RepeatedCode::replaceBy(func::FuncOp function) {
  for (ArrayRef<Operation *> stretch : stretches) {
    OpBuilder builder(stretch[0]);
    // Not from the columns: what was the result of another stretch is that of its call by now.
    SmallVector<Value> current(columns.size()), operands;
    unsigned slot = 0;
    for (Operation *op : stretch)
      forEachOutsideOperand(op, [&](OpOperand &operand) {
        if (const Slot &from = slots[slot++]; !from.definer)
          current[from.column] = operand.get();
      });
    for (unsigned column : arguments)
      operands.push_back(current[column]);
    auto call = func::CallOp::create(builder, stretch[0]->getLoc(), function, operands);
    for (auto [i, place] : llvm::enumerate(results))
      stretch[place.first]->getResult(place.second).replaceAllUsesWith(call.getResult(i));
    for (Operation *op : llvm::reverse(stretch))
      op->erase();
  }
}
