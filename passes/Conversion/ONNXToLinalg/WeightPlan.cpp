#include "passes/Conversion/ONNXToLinalg/WeightPlan.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

WeightPlan::WeightPlan(ModuleOp module)
    : builder(OpBuilder::atBlockBegin(module.getBody())), module(module) {
  for (auto packed : module.getOps<kernel::PackedOp>())
    end = std::max<int64_t>(end, packed.getOffset() + packed.getSize());
}

/// The bytes of matrices side by side.
static int64_t getPackedBytes(ArrayRef<kernel::PanelsAttr> layouts, Type elementType) {
  kernel::PanelsAttr first = layouts.front();
  int64_t columns = 0;
  for (kernel::PanelsAttr layout : layouts)
    columns += layout.getColumns();
  int64_t panels = llvm::divideCeil(columns, first.getPanel());
  int64_t elementSize = first.getPerByte() > 1 ? 1 : elementType.getIntOrFloatBitWidth() / 8;
  return first.getCount() * panels * first.getPackedDepth() * first.getPanel() * elementSize;
}

kernel::PackedOp WeightPlan::get(ArrayRef<moe::WeightOp> weights,
                                 ArrayRef<kernel::PanelsAttr> layouts, int64_t beside) {
  SmallVector<Attribute> keys;
  for (moe::WeightOp weight : weights)
    keys.push_back(weight.getKeyAttr());
  ArrayAttr sources = builder.getArrayAttr(keys), layoutList;
  if (!layouts.empty())
    layoutList = builder.getArrayAttr(SmallVector<Attribute>(layouts));
  kernel::PackedOp &entry = entries[{sources, layoutList, beside}];
  if (entry)
    return entry;
  int64_t size = 0;
  moe::WeightDataOp data;
  for (auto [i, source] : llvm::enumerate(weights)) {
    moe::WeightOp weight = source;
    data = tables.lookupNearestSymbolFrom<moe::WeightDataOp>(module, weight.getKeyAttr());
    if (layouts.empty())
      size += static_cast<int64_t>(data.getLength());
    else if (i % beside == 0)
      size += getPackedBytes(layouts.slice(i, beside),
                             cast<ShapedType>(data.getType()).getElementType());
  }
  int64_t offset = llvm::alignTo(end, 64);
  builder.setInsertionPointAfter(data);
  entry = kernel::PackedOp::create(builder, data.getLoc(), "w" + std::to_string(entries.size() - 1),
                                   sources, offset, size, layoutList, beside);
  tables.getSymbolTable(module).insert(entry); // models have weights of such names
  end = offset + size;
  return entry;
}
