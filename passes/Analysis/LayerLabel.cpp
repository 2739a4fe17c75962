#include "passes/Analysis/LayerLabel.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace moec;

static constexpr StringLiteral kName = "moec.layer", kKind = "moec.kind";

using LabelledLoc = FusedLocWith<DictionaryAttr>;

static LabelledLoc getLabelled(Location loc) {
  auto labelled = dyn_cast<LabelledLoc>(loc);
  return labelled && labelled.getMetadata().getAs<StringAttr>(kName) ? labelled : LabelledLoc();
}

std::optional<LayerLabel> moec::getLayerLabel(Location loc) {
  LabelledLoc labelled = getLabelled(loc);
  if (!labelled)
    return std::nullopt;
  DictionaryAttr fields = labelled.getMetadata();
  auto kind = fields.getAs<StringAttr>(kKind);
  return LayerLabel{fields.getAs<StringAttr>(kName).str(), kind ? kind.str() : ""};
}

Location moec::withLayerLabel(Location loc, const LayerLabel &label) {
  Builder builder(loc.getContext());
  SmallVector<NamedAttribute> fields{
      builder.getNamedAttr(kName, builder.getStringAttr(label.name))};
  if (!label.kind.empty())
    fields.push_back(builder.getNamedAttr(kKind, builder.getStringAttr(label.kind)));
  LabelledLoc before = getLabelled(loc);
  return FusedLoc::get(before ? before.getLocations() : ArrayRef(loc),
                       builder.getDictionaryAttr(fields), loc.getContext());
}

void LayerNames::reserve(Operation *op) {
  if (std::optional<LayerLabel> label = getLayerLabel(op->getLoc()))
    if (used.insert(label->name).second)
      labels[op] = label->name;
}

std::string LayerNames::take(Operation *op, std::string otherwise) {
  if (auto it = labels.find(op); it != labels.end())
    return it->second;
  // A copy of a layer has its label.
  if (std::optional<LayerLabel> label = getLayerLabel(op->getLoc()))
    otherwise = label->name;
  unsigned &count = counts[otherwise];
  std::string name = otherwise;
  while (count++ == 0 ? !used.insert(name).second
                      : !used.insert(name = otherwise + "#" + std::to_string(count)).second)
    continue;
  return name;
}
