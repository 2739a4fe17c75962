#include "passes/Conversion/ONNXToLinalg/WeightPlan.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

WeightPlan::WeightPlan(ModuleOp module)
    : builder(OpBuilder::atBlockBegin(module.getBody())), module(module) {
  for (auto packed : module.getOps<kernel::PackedOp>())
    end = std::max<int64_t>(end, packed.getOffset() + packed.getSize());
}

static int64_t getPackedBytes(kernel::PanelsAttr layout, Type elementType) {
  int64_t panels = llvm::divideCeil(layout.getColumns(), layout.getPanel());
  int64_t elementSize = layout.getPerByte() > 1 ? 1 : elementType.getIntOrFloatBitWidth() / 8;
  return layout.getCount() * panels * layout.getPackedDepth() * layout.getPanel() * elementSize;
}

kernel::PackedOp WeightPlan::get(ArrayRef<moe::WeightOp> weights,
                                 ArrayRef<kernel::PanelsAttr> layouts) {
  SmallVector<Attribute> keys;
  for (moe::WeightOp weight : weights)
    keys.push_back(weight.getKeyAttr());
  ArrayAttr sources = builder.getArrayAttr(keys), layoutList;
  if (!layouts.empty())
    layoutList = builder.getArrayAttr(SmallVector<Attribute>(layouts));
  kernel::PackedOp &entry = entries[{sources, layoutList}];
  if (entry)
    return entry;
  int64_t size = 0;
  moe::WeightDataOp data;
  for (auto [i, source] : llvm::enumerate(weights)) {
    moe::WeightOp weight = source;
    data = tables.lookupNearestSymbolFrom<moe::WeightDataOp>(module, weight.getKeyAttr());
    size += layouts.empty()
                ? static_cast<int64_t>(data.getLength())
                : getPackedBytes(layouts[i], cast<ShapedType>(data.getType()).getElementType());
  }
  int64_t offset = llvm::alignTo(end, 64);
  builder.setInsertionPointAfter(data);
  entry = kernel::PackedOp::create(builder, data.getLoc(), "w" + std::to_string(entries.size() - 1),
                                   sources, offset, size, layoutList);
  tables.getSymbolTable(module).insert(entry); // models have weights of such names
  end = offset + size;
  return entry;
}
