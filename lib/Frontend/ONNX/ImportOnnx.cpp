#include "moec/Frontend/ImportOnnx.h"

#include "UnsupportedKinds.h"
#include "WeightImporter.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/NodeProto.h"
#include "dialects/ONNX/ONNXOps.h"
#include "dialects/ONNX/TensorProto.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moec;

namespace {

/// Turns one prepared model into a module.
class ModelImporter {
public:
  ModelImporter(MLIRContext &context, const ::onnx::ModelProto &model, WeightImporter &weights)
      : builder(&context), model(model), graph(model.graph()), weights(weights) {}

  OwningOpRef<ModuleOp> run(StringRef path, bool keepValueNames) {
    Location loc = NameLoc::get(builder.getStringAttr(path));
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    setModuleAttributes(*module);
    llvm::StringMap<int64_t> opsets;
    for (const auto &opset : model.opset_import())
      opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();

    builder.setInsertionPointToEnd(module->getBody());
    auto function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    moec::onnx::NodeImporter nodes(builder, std::move(opsets));
    if (keepValueNames)
      nodes.keepValueNames();
    nodes.setTensorImporter([&](const ::onnx::TensorProto &tensor, StringRef name, Location loc) {
      return weights.import(builder, *module, tensor, name, loc);
    });
    if (failed(importInitializers(*module, nodes)))
      return {};
    importInputs(function, nodes);
    if (failed(importNodes(nodes)) || failed(importOutputs(function, nodes)))
      return {};
    return module;
  }

private:
  void setModuleAttributes(ModuleOp module) {
    NamedAttrList opsets; // a set may be imported twice, also under both names of its domain
    for (const auto &opset : model.opset_import())
      opsets.set(opset.domain().empty() ? "ai.onnx" : opset.domain(),
                 builder.getI64IntegerAttr(opset.version()));
    module->setAttr("onnx.opset", opsets.getDictionary(builder.getContext()));
    if (!model.producer_name().empty())
      module->setAttr("onnx.producer", builder.getStringAttr(model.producer_name() + " " +
                                                             model.producer_version()));
  }

  Location nameLoc(StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }

  LogicalResult importInitializers(ModuleOp module, moec::onnx::NodeImporter &nodes) {
    for (const ::onnx::TensorProto &tensor : graph.initializer()) {
      Location loc = nameLoc(tensor.name());
      llvm::Expected<Value> value = weights.import(builder, module, tensor, tensor.name(), loc);
      if (!value)
        return emitError(loc) << llvm::toString(value.takeError());
      initializers.insert(tensor.name());
      nodes.define(tensor.name(), *value);
    }
    return success();
  }

  TensorType importType(const ::onnx::ValueInfoProto &value) {
    const auto &tensor = value.type().tensor_type();
    Type elementType = moec::onnx::getElementType(builder.getContext(), tensor.elem_type());
    if (!elementType) // findUnsupportedKinds has looked at all others
      elementType = moec::onnx::UnknownType::get(builder.getContext());
    if (!tensor.has_shape())
      return UnrankedTensorType::get(elementType);
    SmallVector<int64_t> shape;
    for (const auto &dim : tensor.shape().dim())
      shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value()
                                                                  : ShapedType::kDynamic);
    return RankedTensorType::get(shape, elementType);
  }

  ArrayAttr importDimNames(const ::onnx::ValueInfoProto &value) {
    SmallVector<Attribute> names;
    for (const auto &dim : value.type().tensor_type().shape().dim())
      names.push_back(builder.getStringAttr(dim.has_dim_param() ? dim.dim_param() : ""));
    return builder.getArrayAttr(names);
  }

  /// All arguments in one step: adding them one by one would make a function type for each.
  void importInputs(func::FuncOp function, moec::onnx::NodeImporter &nodes) {
    SmallVector<Type> types;
    SmallVector<Attribute> attributes;
    for (const ::onnx::ValueInfoProto &input : graph.input()) {
      if (initializers.contains(input.name()))
        continue; // a constant with a declaration
      types.push_back(importType(input));
      attributes.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr(moec::onnx::kNameAttr, builder.getStringAttr(input.name())),
           builder.getNamedAttr(moec::onnx::kDimsAttr, importDimNames(input))}));
      nodes.define(input.name(), function.front().addArgument(types.back(), nameLoc(input.name())));
    }
    function.setType(builder.getFunctionType(types, {}));
    function.setAllArgAttrs(attributes);
  }

  LogicalResult importNodes(moec::onnx::NodeImporter &nodes) {
    bool failed = false;
    for (const auto &[i, node] : llvm::enumerate(graph.node())) {
      Location loc = moec::onnx::getNodeLocation(builder.getContext(), node,
                                                 nameLoc(node.op_type() + "_" + std::to_string(i)));
      if (llvm::Error error = nodes.importNode(node, loc)) {
        emitError(loc) << llvm::toString(std::move(error));
        failed = true;
        // One error is enough: whoever uses its results is not to blame.
        Value nothing = moec::onnx::NoneOp::create(builder, loc);
        for (const std::string &output : node.output())
          nodes.define(output, nothing);
      }
    }
    return success(!failed);
  }

  LogicalResult importOutputs(func::FuncOp function, moec::onnx::NodeImporter &nodes) {
    SmallVector<Value> results;
    SmallVector<Type> types;
    SmallVector<Attribute> attributes;
    for (const ::onnx::ValueInfoProto &output : graph.output()) {
      Location loc = nameLoc(output.name());
      Value value = nodes.lookup(output.name(), loc);
      if (!value || isa<NoneType>(value.getType()))
        return emitError(loc) << "output '" << output.name() << "' is computed by no node";
      results.push_back(value);
      types.push_back(value.getType());
      attributes.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr(moec::onnx::kNameAttr, builder.getStringAttr(output.name())),
           builder.getNamedAttr(moec::onnx::kDimsAttr, importDimNames(output))}));
    }
    func::ReturnOp::create(builder, function.getLoc(), results);
    function.setType(builder.getFunctionType(function.getArgumentTypes(), types));
    function.setAllResultAttrs(attributes);
    return success();
  }

  OpBuilder builder;
  const ::onnx::ModelProto &model;
  const ::onnx::GraphProto &graph;
  WeightImporter &weights;
  llvm::StringSet<> initializers;
};

} // namespace

OwningOpRef<ModuleOp> moec::importOnnx(MLIRContext &context, StringRef path,
                                       const ImportOptions &options) {
  context.loadDialect<func::FuncDialect, moec::onnx::ONNXDialect, moe::MoEDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  WeightImporter weights(path, options);
  llvm::Expected<OnnxModel> model = weights.load();
  if (!model) {
    emitError(loc) << llvm::toString(model.takeError());
    return {};
  }
  for (const std::string &warning : model->warnings)
    emitWarning(loc) << warning;
  if (std::vector<std::string> kinds = findUnsupportedKinds(*model->proto); !kinds.empty()) {
    emitError(loc) << "the model has values of kinds that are not supported: "
                   << llvm::join(kinds, ", ");
    return {};
  }
  OwningOpRef<ModuleOp> module =
      ModelImporter(context, *model->proto, weights).run(path, options.keepValueNames);
  if (module)
    setModuleWeights(*module, weights.takeWeights());
  return module;
}
