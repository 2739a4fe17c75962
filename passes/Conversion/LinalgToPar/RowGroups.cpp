#include "passes/Conversion/LinalgToPar/RowGroups.h"
#include "passes/Analysis/BufferLifetime.h"
#include "passes/Analysis/BufferSizes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace moec;

namespace {

/// What an operation does with a buffer. Without a map it may touch any element.
struct Access {
  Value buffer;
  std::optional<AffineMap> map;
  bool writes;
};

/// An operation as a member of a group: the first `least` to `most` of its loops may be the rows.
struct Candidate {
  linalg::LinalgOp op;
  SmallVector<BufferSize> sizes; ///< of the loops that may be rows
  unsigned least, most;
  bool reducesRows;
  SmallVector<Access> accesses;
};

/// The size of a loop, by an operand that it walks along.
std::optional<BufferSize> getLoopSize(linalg::LinalgOp op, unsigned loop) {
  for (OpOperand &operand : op->getOpOperands())
    for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && dim.getPosition() == loop)
        return getBufferSize(operand.get(), i);
  return std::nullopt;
}

/// Nothing if the operation cannot share a loop over rows.
std::optional<Candidate> analyze(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics())
    return std::nullopt;
  Candidate result{op, {}, 0, 0, false, {}};
  unsigned numLoops = op.getNumLoops();
  for (; result.most < numLoops; ++result.most) {
    std::optional<BufferSize> size = getLoopSize(op, result.most);
    if (!size || op.getIteratorTypesArray()[result.most] != utils::IteratorType::parallel)
      break;
    result.sizes.push_back(*size);
  }
  result.least = result.most;
  if (result.most == numLoops) {
    // By elements: a row is at least the last loop that runs.
    while (result.least > 1 && result.sizes[result.least - 1].isConstant(1))
      --result.least;
    result.least = std::max(1u, result.least - std::min(1u, result.least));
  } else {
    result.reducesRows = true;
  }
  if (result.most == 0)
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      result.accesses.push_back(
          {operand.get(), op.getMatchingIndexingMap(&operand), op.isDpsInit(&operand)});
  for (Operation &inner : op->getRegion(0).front()) {
    if (auto load = dyn_cast<memref::LoadOp>(inner))
      result.accesses.push_back({load.getMemRef(), std::nullopt, false});
    else if (!inner.hasTrait<OpTrait::IsTerminator>() && !isMemoryEffectFree(&inner))
      return std::nullopt;
  }
  return result;
}

Value stripCasts(Value buffer) {
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  return buffer;
}

/// An allocation is apart from everything that is not a view of it.
bool mayAlias(Value a, Value b) {
  Value rootA = getBufferRoot(a), rootB = getBufferRoot(b);
  return rootA == rootB ||
         !(rootA.getDefiningOp<memref::AllocOp>() || rootB.getDefiningOp<memref::AllocOp>());
}

class GroupFinder {
public:
  SmallVector<RowGroup> run(Block &block) {
    for (Operation &op : block) {
      if (auto structured = dyn_cast<linalg::LinalgOp>(op))
        add(structured);
      else if (!members.empty() && !staysBetween(&op))
        flush();
    }
    flush();
    return std::move(groups);
  }

private:
  void add(linalg::LinalgOp op) {
    std::optional<Candidate> candidate = analyze(op);
    if (!candidate) {
      flush();
      groups.push_back({{op}, 0, {}});
      return;
    }
    if (!members.empty() && !join(*candidate))
      flush();
    if (members.empty()) {
      least = candidate->least;
      most = candidate->most;
      sizes = candidate->sizes;
    }
    // What was freed on the way is freed after this one as well.
    numFreed = deallocations.size();
    members.push_back(std::move(*candidate));
  }

  /// Narrows the common rows to what the candidate allows; false if it does not fit.
  bool join(const Candidate &candidate) {
    unsigned newLeast = std::max(least, candidate.least);
    unsigned newMost = std::min(most, candidate.most);
    if (newLeast > newMost)
      return false;
    ArrayRef<BufferSize> rows = ArrayRef(candidate.sizes).take_front(newLeast);
    for (auto [i, member] : llvm::enumerate(members)) {
      if (!llvm::equal(ArrayRef(member.sizes).take_front(newLeast), rows) ||
          !keepsOrder(member, candidate, newLeast))
        return false;
      // Shorter rows than the members have agreed on so far.
      for (const Candidate &other : ArrayRef(members).take_front(newLeast > least ? i : 0))
        if (!keepsOrder(other, member, newLeast))
          return false;
    }
    least = newLeast;
    most = newMost;
    return true;
  }

  /// Whether what the two do to the same element is done in the same row.
  bool keepsOrder(const Candidate &first, const Candidate &second, unsigned depth) const {
    for (const Access &a : first.accesses)
      for (const Access &b : second.accesses)
        if ((a.writes || b.writes) && mayAlias(a.buffer, b.buffer) && !isSameRow(a, b, depth))
          return false;
    return true;
  }

  /// Whether in different rows the two touch different elements.
  bool isSameRow(const Access &a, const Access &b, unsigned depth) const {
    if (!a.map || !b.map || stripCasts(a.buffer) != stripCasts(b.buffer))
      return false;
    for (unsigned loop = 0; loop < depth; ++loop) {
      if (sizes[loop].isConstant(1))
        continue;
      auto isRow = [&](auto exprs) {
        auto dimA = dyn_cast<AffineDimExpr>(std::get<0>(exprs));
        auto dimB = dyn_cast<AffineDimExpr>(std::get<1>(exprs));
        return dimA && dimB && dimA.getPosition() == loop && dimB.getPosition() == loop;
      };
      if (!llvm::any_of(llvm::zip(a.map->getResults(), b.map->getResults()), isRow))
        return false;
    }
    return true;
  }

  /// Whether members may move past the operation.
  bool staysBetween(Operation *op) {
    if (isMemoryEffectFree(op) || isa<memref::AllocOp>(op))
      return true;
    if (isa<memref::DeallocOp>(op)) {
      deallocations.push_back(op);
      return true;
    }
    auto load = dyn_cast<memref::LoadOp>(op);
    return load && llvm::none_of(members, [&](const Candidate &member) {
             return llvm::any_of(member.accesses, [&](const Access &access) {
               return access.writes && mayAlias(access.buffer, load.getMemRef());
             });
           });
  }

  void flush() {
    // A loop over few rows is a slow one: there must be a reason for rows.
    bool hasRows = least > 1 || llvm::any_of(members, [](const Candidate &member) {
                     return member.reducesRows;
                   });
    if (members.size() > 1 && hasRows) {
      RowGroup group{{}, least, {}};
      for (const Candidate &member : members)
        group.members.push_back(member.op);
      group.deallocations.assign(deallocations.begin(), deallocations.begin() + numFreed);
      groups.push_back(std::move(group));
    } else {
      for (const Candidate &member : members)
        groups.push_back({{member.op}, 0, {}});
    }
    members.clear();
    deallocations.clear();
    numFreed = 0;
  }

  SmallVector<RowGroup> groups;
  SmallVector<Candidate> members;
  unsigned least = 0, most = 0;
  SmallVector<BufferSize> sizes;
  SmallVector<Operation *> deallocations;
  unsigned numFreed = 0; ///< of `deallocations`, before the last member
};

} // namespace

void moec::expandStridedCopies(Operation *root) {
  SmallVector<memref::CopyOp> copies;
  root->walk([&](memref::CopyOp copy) {
    auto isDense = [](Value buffer) {
      return cast<MemRefType>(buffer.getType()).getLayout().isIdentity();
    };
    if (!isDense(copy.getSource()) || !isDense(copy.getTarget()))
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies) {
    OpBuilder builder(copy);
    linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
    copy.erase();
  }
}

SmallVector<RowGroup> moec::findRowGroups(Block &block) { return GroupFinder().run(block); }
