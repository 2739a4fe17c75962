#include "ProfileFromIR.h"

#include "passes/Transforms/Passes.h"

using namespace mlir;
using namespace moec;

static std::string getString(Attribute attribute) {
  auto string = dyn_cast_or_null<StringAttr>(attribute);
  return llvm::json::fixUTF8(string ? string.getValue() : StringRef());
}

std::optional<llvm::json::Array> moec::getProfile(ModuleOp module) {
  auto records = module->getAttrOfType<ArrayAttr>(kProfileAttr);
  if (!records)
    return std::nullopt;
  llvm::json::Array result;
  for (Attribute attribute : records) {
    auto record = dyn_cast<DictionaryAttr>(attribute);
    llvm::json::Object object{
        {"node", getString(record ? record.get("node") : Attribute())},
        {"operator", getString(record ? record.get("operator") : Attribute())}};
    if (auto fused = record ? record.getAs<ArrayAttr>("fused") : ArrayAttr();
        fused && !fused.empty())
      object["fused"] = llvm::json::Array(llvm::map_range(fused, getString));
    result.push_back(std::move(object));
  }
  return result;
}
