#include "passes/Conversion/ONNXToLinalg/WeightPlan.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

WeightPlan::WeightPlan(ModuleOp module)
    : builder(OpBuilder::atBlockBegin(module.getBody())), module(module) {
  for (auto packed : module.getOps<kernel::PackedOp>())
    end = std::max<int64_t>(end, packed.getOffset() + packed.getSize());
}

kernel::PackedOp WeightPlan::get(moe::WeightOp weight, kernel::PanelsAttr layout) {
  kernel::PackedOp &entry = entries[{weight.getKeyAttr().getAttr(), layout}];
  if (entry)
    return entry;
  auto data = tables.lookupNearestSymbolFrom<moe::WeightDataOp>(module, weight.getKeyAttr());
  int64_t size = data.getLength();
  if (layout) {
    int64_t panels = llvm::divideCeil(layout.getColumns(), layout.getPanel());
    int64_t elementBytes = cast<ShapedType>(data.getType()).getElementTypeBitWidth() / 8;
    size = layout.getCount() * panels * layout.getDepth() * layout.getPanel() * elementBytes;
  }
  int64_t offset = llvm::alignTo(end, 64);
  builder.setInsertionPointAfter(data);
  entry = kernel::PackedOp::create(builder, data.getLoc(), "w" + std::to_string(entries.size() - 1),
                                   weight.getKey(), offset, size, layout);
  tables.getSymbolTable(module).insert(entry); // models have weights of such names
  end = offset + size;
  return entry;
}
