//===- PlanMemory.cpp - Buffers of the entry function share one block of memory
//-------------------===//
#include "dialects/Kernel/KernelOps.h"
#include "passes/Analysis/BufferLifetime.h"
#include "passes/Transforms/EntrySizes.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include <map>

namespace moec {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// A buffer of the arena.
struct Buffer {
  memref::AllocOp alloc;
  int32_t first, last;
  Value bytes; ///< At the start; null if not known there.
};

class MemoryPlanner {
public:
  explicit MemoryPlanner(func::FuncOp function)
      : function(function), block(function.getBody().front()), sizes(function),
        layout(DataLayout::closest(function)) {}

  void run() {
    numberOperations();
    hoistChecks();
    for (auto alloc : llvm::make_early_inc_range(block.getOps<memref::AllocOp>()))
      add(alloc);
    if (buffers.empty())
      return;
    kernel::ArenaOp arena = createArena();
    for (auto [i, buffer] : llvm::enumerate(buffers)) {
      if (buffer.bytes)
        makeView(buffer, i, arena);
      else
        makePlaced(buffer, i, arena);
    }
  }

  int64_t getNumBuffers() const { return buffers.size(); }
  int64_t getNumKnown() const {
    return llvm::count_if(buffers, [](auto &b) { return b.bytes; });
  }

private:
  void numberOperations() {
    for (auto [i, op] : llvm::enumerate(block))
      positions[&op] = i;
  }

  /// A check of sizes comes before memory of those sizes is asked for: its message is the better
  /// one.
  void hoistChecks() {
    for (auto check : llvm::make_early_inc_range(block.getOps<kernel::CheckOp>())) {
      Value condition = sizes.get(check.getCondition());
      if (!condition)
        continue;
      check.getConditionMutable().assign(condition);
      OpBuilder &builder = sizes.getBuilder();
      check->moveBefore(builder.getInsertionBlock(), builder.getInsertionPoint());
    }
  }

  void add(memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    BufferLifetime life = getBufferLifetime(alloc);
    if (life.escapes || !type.getLayout().isIdentity() || type.getMemorySpace())
      return;
    if (!life.first)
      life.first = life.last;
    buffers.push_back({alloc, positions.lookup(life.first),
                       life.isReturned ? INT32_MAX : positions.lookup(life.last),
                       getBytesAtStart(alloc)});
  }

  /// Null if not all sizes are known at the start. Equal products are one value.
  Value getBytesAtStart(memref::AllocOp alloc) {
    Product product{getElementBytes(alloc), {}};
    for (int64_t i = 0; i < alloc.getType().getRank(); ++i) {
      Value size = sizes.getDim(alloc, i);
      if (!size)
        return {};
      multiply(product, size);
    }
    llvm::sort(product.second);
    Value &bytes = products[product];
    if (!bytes)
      bytes = emit(product, sizes.getBuilder(), alloc.getLoc());
    return bytes;
  }

  int64_t getElementBytes(memref::AllocOp alloc) {
    return layout.getTypeSize(alloc.getType().getElementType()).getFixedValue();
  }

  /// A number, and the values to multiply it with, by the order in which they were met.
  using Product = std::pair<int64_t, SmallVector<unsigned>>;

  void multiply(Product &product, Value by) {
    APInt constant;
    if (matchPattern(by, m_ConstantInt(&constant))) {
      product.first *= constant.getSExtValue();
    } else if (auto inner = by.getDefiningOp<arith::MulIOp>()) {
      multiply(product, inner.getLhs());
      multiply(product, inner.getRhs());
    } else {
      product.second.push_back(factors.try_emplace(by, factors.size()).first->second);
    }
  }

  Value emit(const Product &product, OpBuilder &builder, Location loc) {
    Value bytes = arith::ConstantIndexOp::create(builder, loc, product.first);
    for (unsigned i : product.second)
      bytes = arith::MulIOp::create(builder, loc, bytes, std::next(factors.begin(), i)->first);
    return bytes;
  }

  kernel::ArenaOp createArena() {
    SmallVector<Value> bytes;
    llvm::DenseMap<Value, int32_t> indices;
    SmallVector<int32_t> entries;
    for (const Buffer &buffer : buffers) {
      int32_t size = -1;
      if (buffer.bytes) {
        auto [it, isNew] = indices.try_emplace(buffer.bytes, bytes.size());
        if (isNew)
          bytes.push_back(buffer.bytes);
        size = it->second;
      }
      entries.append({size, buffer.first, buffer.last});
    }
    OpBuilder &builder = sizes.getBuilder();
    auto memory = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    auto offsets = MemRefType::get({getNumBuffers()}, builder.getIndexType());
    return kernel::ArenaOp::create(builder, function.getLoc(), memory, offsets, bytes, entries);
  }

  void makeView(Buffer &buffer, int32_t index, kernel::ArenaOp arena) {
    OpBuilder builder(buffer.alloc);
    Location loc = buffer.alloc.getLoc();
    Value entry = arith::ConstantIndexOp::create(builder, loc, index);
    Value offset = memref::LoadOp::create(builder, loc, arena.getOffsets(), entry);
    for (Operation *user : llvm::make_early_inc_range(buffer.alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    replace(buffer, arena.getMemory(), offset, builder);
  }

  /// The size is known only here.
  void makePlaced(Buffer &buffer, int32_t index, kernel::ArenaOp arena) {
    memref::AllocOp alloc = buffer.alloc;
    OpBuilder builder(alloc);
    Location loc = alloc.getLoc();
    int64_t factor = getElementBytes(alloc);
    for (int64_t size : alloc.getType().getShape())
      factor *= ShapedType::isDynamic(size) ? 1 : size;
    Value bytes = arith::ConstantIndexOp::create(builder, loc, factor);
    for (Value size : alloc.getDynamicSizes())
      bytes = arith::MulIOp::create(builder, loc, bytes, size);
    Value entry = arith::ConstantIndexOp::create(builder, loc, index);
    Value memory = kernel::PlaceOp::create(builder, loc, arena.getMemory().getType(),
                                           arena.getMemory(), entry, bytes);
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->setOperand(0, memory);
    Value start = arith::ConstantIndexOp::create(builder, loc, 0);
    replace(buffer, memory, start, builder);
  }

  static void replace(Buffer &buffer, Value memory, Value offset, OpBuilder &builder) {
    memref::AllocOp alloc = buffer.alloc;
    Value view = memref::ViewOp::create(builder, alloc.getLoc(), alloc.getType(), memory, offset,
                                        alloc.getDynamicSizes());
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }

  func::FuncOp function;
  Block &block;
  EntrySizes sizes;
  DataLayout layout;
  llvm::DenseMap<Operation *, int32_t> positions;
  SmallVector<Buffer> buffers;
  llvm::MapVector<Value, unsigned> factors;
  std::map<Product, Value> products;
};

struct PlanMemory : impl::PlanMemoryPassBase<PlanMemory> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.isPublic() || !function.getBody().hasOneBlock())
      return;
    MemoryPlanner planner(function);
    planner.run();
    numKnown += planner.getNumKnown();
    numPlaced += planner.getNumBuffers() - planner.getNumKnown();
  }
};

} // namespace
} // namespace moec
