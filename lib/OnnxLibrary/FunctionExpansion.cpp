#include "FunctionExpansion.h"

#include "ModelWalk.h"

#include "onnx/defs/schema.h"
#include "onnx/inliner/inliner.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using llvm::Error;
using llvm::Twine;
using ::onnx::FunctionProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;

namespace {

/// Walks over calls before the library's inliner recurses over them.
class CallGraph {
public:
  explicit CallGraph(const OnnxLimits &limits) : limits(limits) {}

  Error run(const ModelProto &model);

private:
  struct Function {
    const FunctionProto *proto = nullptr;
    std::vector<Function *> callees; ///< one for each call
    int64_t size = 0;                ///< nodes after expansion, saturated
    int depth = 1;
    enum { New, Open, Done } state = New;
  };

  static std::string getKey(const std::string &domain, const std::string &name,
                            const std::string &overload) {
    return (normalizeDomain(domain) + "::" + name + "::" + overload).str();
  }
  Function *find(const NodeProto &node) {
    auto it = functions.find(getKey(node.domain(), node.op_type(), node.overload()));
    return it == functions.end() ? nullptr : &it->second;
  }
  /// Fails if the call does not fit the function.
  Error checkCall(const NodeProto &node, const FunctionProto &callee);
  /// Collects the calls and the number of other nodes of a list with all subgraphs.
  Error collect(const google::protobuf::RepeatedPtrField<NodeProto> &nodes, Function &into);
  Error visit(Function &root);
  void finish(Function &function);

  const OnnxLimits &limits;
  llvm::StringMap<Function> functions;
};

} // namespace

Error CallGraph::checkCall(const NodeProto &node, const FunctionProto &callee) {
  if (node.input_size() > callee.input_size())
    return makeModelError(describeNode(node) + " has " + Twine(node.input_size()) +
                          " operands, but the function has " + Twine(callee.input_size()));
  if (node.output_size() > callee.output_size())
    return makeModelError(describeNode(node) + " has " + Twine(node.output_size()) +
                          " results, but the function has " + Twine(callee.output_size()));
  return Error::success();
}

Error CallGraph::collect(const google::protobuf::RepeatedPtrField<NodeProto> &nodes,
                         Function &into) {
  Error error = Error::success();
  forEachNode(nodes, [&](const NodeProto &node) {
    Function *callee = find(node);
    if (!callee) {
      ++into.size;
      return true;
    }
    into.callees.push_back(callee);
    error = checkCall(node, *callee->proto);
    return !error;
  });
  return error;
}

void CallGraph::finish(Function &function) {
  for (Function *callee : function.callees) {
    function.size = std::min(function.size + callee->size, limits.maxNodes + 1);
    function.depth = std::max(function.depth, callee->depth + 1);
  }
  function.state = Function::Done;
}

/// Depth-first over calls, with a stack of its own.
Error CallGraph::visit(Function &root) {
  if (root.state == Function::Done)
    return Error::success();
  std::vector<std::pair<Function *, size_t>> stack;
  auto open = [&](Function &function) {
    function.state = Function::Open;
    stack.emplace_back(&function, 0);
  };
  open(root);
  while (!stack.empty()) {
    auto &[function, next] = stack.back();
    if (next == function->callees.size()) {
      finish(*function);
      stack.pop_back();
      continue;
    }
    Function *callee = function->callees[next++];
    if (callee->state == Function::Open)
      return makeModelError("function " + quoteName(callee->proto->name()) +
                            " of the model calls itself");
    if (callee->state == Function::New)
      open(*callee);
  }
  return Error::success();
}

Error CallGraph::run(const ModelProto &model) {
  if (model.functions_size() > limits.maxFunctions)
    return makeModelError("the model has " + Twine(model.functions_size()) +
                          " functions, the limit is " + Twine(limits.maxFunctions));
  for (const FunctionProto &function : model.functions()) {
    auto [it, isNew] =
        functions.try_emplace(getKey(function.domain(), function.name(), function.overload()));
    if (!isNew)
      return makeModelError("the model has the function " + quoteName(function.name()) + " twice");
    it->second.proto = &function;
  }
  for (auto &entry : functions)
    if (Error error = collect(entry.second.proto->node(), entry.second))
      return error;
  Function graph;
  if (Error error = collect(model.graph().node(), graph))
    return error;
  for (auto &entry : functions)
    if (Error error = visit(entry.second))
      return error;
  finish(graph);
  int depth = 0;
  for (auto &entry : functions)
    depth = std::max(depth, entry.second.depth);
  if (depth > limits.maxCallDepth)
    return makeModelError("the model's functions call each other " + Twine(depth) +
                          " deep, the limit is " + Twine(limits.maxCallDepth));
  if (graph.size > limits.maxNodes)
    return makeModelError("the model's functions expand to more than " + Twine(limits.maxNodes) +
                          " nodes, which is the limit");
  return Error::success();
}

/// Whether the operator is the same in both versions of its operator set.
static bool isSameOperator(const NodeProto &node, int64_t a, int64_t b) {
  auto find = [&](int64_t version) {
    return ::onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version),
                                            normalizeDomain(node.domain()).str());
  };
  const ::onnx::OpSchema *first = find(a), *second = find(b);
  return first && second && first->SinceVersion() == second->SinceVersion();
}

/// The inliner takes only functions whose operator sets are the model's. Adds those that the model
/// lacks to it, and replaces others in the function where its nodes mean the same.
static Error unifyOpsets(ModelProto &model) {
  llvm::StringMap<int64_t> versions;
  for (const auto &import : model.opset_import())
    versions[normalizeDomain(import.domain())] = import.version();
  for (FunctionProto &function : *model.mutable_functions())
    for (auto &import : *function.mutable_opset_import()) {
      auto domain = normalizeDomain(import.domain());
      auto [it, isNew] = versions.try_emplace(domain, import.version());
      if (isNew) {
        *model.add_opset_import() = import;
        continue;
      }
      int64_t wanted = it->second;
      if (import.version() == wanted)
        continue;
      bool isSame = forEachNode(function.node(), [&](const NodeProto &node) {
        return normalizeDomain(node.domain()) != domain ||
               isSameOperator(node, import.version(), wanted);
      });
      if (!isSame)
        return makeModelError("function " + quoteName(function.name()) + " uses operator set " +
                              Twine(import.version()) + " of domain " +
                              quoteName(domain.empty() ? "ai.onnx" : domain) +
                              ", but the model uses " + Twine(wanted));
      import.set_version(wanted);
    }
  return Error::success();
}

Error moec::expandFunctions(ModelProto &model, const OnnxLimits &limits) {
  if (model.functions_size() == 0)
    return Error::success();
  if (Error error = CallGraph(limits).run(model))
    return error;
  if (Error error = unifyOpsets(model))
    return error;
  ::onnx::inliner::InlineLocalFunctions(model);
  if (model.functions_size())
    return makeModelError("function " + quoteName(model.functions(0).name()) +
                          " of the model cannot be expanded");
  return Error::success();
}
