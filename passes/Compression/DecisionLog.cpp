#include "DecisionLog.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace moec;

void DecisionLog::add(Operation *op, const Decision &decision) {
  Builder builder(op->getContext());
  NamedAttrList fields;
  fields.set("pass", builder.getStringAttr(pass));
  fields.set("layer", builder.getStringAttr(decision.layer));
  fields.set("verdict", builder.getStringAttr("done"));
  fields.set("reason", builder.getStringAttr(decision.reason));
  fields.set("options", decision.options.getDictionary(op->getContext()));
  auto set = [&](StringRef name, int64_t before, int64_t after) {
    fields.set(name, builder.getDenseI64ArrayAttr({before, after}));
  };
  set("parameters", decision.before.parameters, decision.after.parameters);
  set("bytes", decision.before.bytes, decision.after.bytes);
  set("flops_per_token", decision.before.flopsPerToken, decision.after.flopsPerToken);
  if (decision.relativeError && std::isfinite(*decision.relativeError))
    fields.set("relative_error", builder.getF64FloatAttr(*decision.relativeError));
  decisions.push_back(fields.getDictionary(op->getContext()));
  op->emitRemark() << pass << ": " << decision.reason;
}

void DecisionLog::refuse(Operation *op, StringRef layer, const Twine &reason) {
  Builder builder(op->getContext());
  NamedAttrList fields;
  fields.set("pass", builder.getStringAttr(pass));
  fields.set("layer", builder.getStringAttr(layer));
  fields.set("verdict", builder.getStringAttr("refused"));
  fields.set("reason", builder.getStringAttr(reason));
  decisions.push_back(fields.getDictionary(op->getContext()));
  op->emitRemark() << pass << " leaves '" << layer << "' as it is: " << reason;
}

void DecisionLog::attachTo(ModuleOp module) {
  if (decisions.empty())
    refuse(module, "*", "no layer of the model is of the kind that it changes");
  SmallVector<Attribute> all;
  if (auto log = module->getAttrOfType<ArrayAttr>(kDecisionsAttr))
    all.assign(log.begin(), log.end());
  llvm::append_range(all, decisions);
  module->setAttr(kDecisionsAttr, ArrayAttr::get(module.getContext(), all));
  decisions.clear();
}

static llvm::json::Value toJson(Attribute attribute) {
  return llvm::TypeSwitch<Attribute, llvm::json::Value>(attribute)
      .Case([](StringAttr a) { return a.getValue(); })
      .Case([](BoolAttr a) { return a.getValue(); })
      .Case([](IntegerAttr a) { return a.getInt(); })
      .Case([](FloatAttr a) { return a.getValueAsDouble(); })
      .Case([](DenseI64ArrayAttr a) { return llvm::json::Array(a.asArrayRef()); })
      .Case([](ArrayAttr a) {
        llvm::json::Array array;
        for (Attribute element : a)
          array.push_back(toJson(element));
        return array;
      })
      .Case([](DictionaryAttr a) {
        llvm::json::Object object;
        for (NamedAttribute field : a)
          object[field.getName().getValue()] = toJson(field.getValue());
        return object;
      })
      .Default([](Attribute) { return nullptr; });
}

llvm::json::Array moec::getDecisions(ModuleOp module) {
  llvm::json::Array result;
  auto log = module->getAttrOfType<ArrayAttr>(kDecisionsAttr);
  if (!log)
    return result;
  for (auto decision : log.getAsRange<DictionaryAttr>()) {
    llvm::json::Object object;
    for (NamedAttribute field : decision) {
      auto pair = dyn_cast<DenseI64ArrayAttr>(field.getValue());
      if (pair && pair.size() == 2)
        object[field.getName().getValue()] =
            llvm::json::Object{{"before", pair[0]}, {"after", pair[1]}};
      else
        object[field.getName().getValue()] = toJson(field.getValue());
    }
    result.push_back(std::move(object));
  }
  return result;
}
