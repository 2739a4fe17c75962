#include "GraphStructure.h"

#include "ModelWalk.h"
#include "ValueChecks.h"

#include "onnx/onnx_pb.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"
#include <queue>

using namespace moec;
using llvm::Error;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;
using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

using NodeList = google::protobuf::RepeatedPtrField<NodeProto>;

namespace {

/// Versions by domain.
using Opsets = llvm::StringMap<int64_t>;

/// Where names of one graph are defined: by a node of it, or before all of them.
using Definitions = llvm::DenseMap<StringRef, int>;
constexpr int kBeforeNodes = -1;

class StructureChecker {
public:
  StructureChecker(const OnnxLimits &limits, std::vector<std::string> &warnings)
      : limits(limits), warnings(warnings) {}

  Error checkModelGraph(GraphProto &graph, const Opsets &imported);
  Error checkFunction(FunctionProto &function);

private:
  /// Names that are used and not defined in what is checked.
  using FreeNames = llvm::SetVector<StringRef>;

  Error checkSubgraph(GraphProto &graph, FreeNames &free);
  Error defineInitializers(GraphProto &graph, bool isSubgraph, Definitions &definitions);
  Error define(StringRef what, StringRef name, int by, Definitions &definitions);
  Error checkNodes(NodeList &nodes, Definitions &definitions, FreeNames &free,
                   const std::string &where);
  Error checkNode(NodeProto &node);
  Error checkSubgraphs(NodeProto &node, FreeNames &used);
  Error sort(NodeList &nodes, std::vector<SmallVector<int, 4>> &dependencies,
             const std::string &where);
  static Error makeCycleError(const NodeList &nodes,
                              const std::vector<SmallVector<int, 4>> &dependencies,
                              const std::vector<int> &missing);
  /// Whether a graph around the one that is checked defines the name.
  bool isOuter(StringRef name) const;

  const OnnxLimits &limits;
  std::vector<std::string> &warnings;
  const Opsets *opsets = nullptr;
  bool inFunction = false;
  SmallVector<const Definitions *> scopes; ///< of the graphs around
};

} // namespace

static Error addContext(const Twine &where, Error error) {
  return makeModelError(where + " " + llvm::toString(std::move(error)));
}

bool StructureChecker::isOuter(StringRef name) const {
  return llvm::any_of(scopes, [&](const Definitions *scope) { return scope->contains(name); });
}

Error StructureChecker::define(StringRef what, StringRef name, int by, Definitions &definitions) {
  if (name.empty())
    return makeModelError("has an " + what + " without a name");
  if (Error error = checkName(what, name, limits))
    return error;
  if (!definitions.try_emplace(name, by).second)
    return makeModelError("has the " + what + " " + quoteName(name) +
                          ", but that name is defined already");
  return Error::success();
}

Error StructureChecker::defineInitializers(GraphProto &graph, bool isSubgraph,
                                           Definitions &definitions) {
  if (graph.sparse_initializer_size())
    return makeModelError("has the sparse initializer " +
                          quoteName(graph.sparse_initializer(0).values().name()) +
                          ", which is not supported");
  Definitions inputs = definitions, initializers;
  for (const TensorProto &tensor : graph.initializer()) {
    if (Error error = define("initializer", tensor.name(), kBeforeNodes, initializers))
      return error;
    // In the model's own graph, an input of the same name declares the initializer.
    if (isSubgraph && inputs.contains(tensor.name()))
      return makeModelError("has " + quoteName(tensor.name()) +
                            " both as an input and as an initializer");
    definitions.try_emplace(tensor.name(), kBeforeNodes);
    if (Error error = checkTensor(tensor, limits))
      return addContext("initializer " + quoteName(tensor.name()), std::move(error));
  }
  return Error::success();
}

Error StructureChecker::checkNode(NodeProto &node) {
  if (node.op_type().empty())
    return makeModelError("has no operator type");
  for (auto [what, name] : {std::pair<StringRef, StringRef>("node name", node.name()),
                            {"operator type", node.op_type()},
                            {"domain", node.domain()}})
    if (Error error = checkName(what, name, limits))
      return error;
  auto opset = opsets->find(normalizeDomain(node.domain()));
  if (opset == opsets->end())
    return makeModelError("is of domain " +
                          quoteName(node.domain().empty() ? "ai.onnx" : node.domain()) +
                          ", of which no operator set is imported");
  if (Error error = checkAttributes(node, inFunction, limits))
    return error;
  return inFunction ? Error::success() : checkSchema(node, opset->second);
}

Error StructureChecker::checkSubgraphs(NodeProto &node, FreeNames &used) {
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    auto check = [&](GraphProto &graph) -> Error {
      if (Error error = checkSubgraph(graph, used))
        return addContext("in attribute " + quoteName(attribute.name()) + ":", std::move(error));
      return Error::success();
    };
    if (attribute.has_g())
      if (Error error = check(*attribute.mutable_g()))
        return error;
    for (GraphProto &graph : *attribute.mutable_graphs())
      if (Error error = check(graph))
        return error;
  }
  return Error::success();
}

Error StructureChecker::checkNodes(NodeList &nodes, Definitions &definitions, FreeNames &free,
                                   const std::string &where) {
  for (int i = 0; i < nodes.size(); ++i) {
    if (Error error = checkNode(nodes[i]))
      return addContext(describeNode(nodes[i]), std::move(error));
    for (const std::string &name : nodes[i].output())
      if (!name.empty())
        if (Error error = define("output", name, i, definitions))
          return addContext(describeNode(nodes[i]), std::move(error));
  }
  scopes.push_back(&definitions);
  std::vector<SmallVector<int, 4>> dependencies(nodes.size());
  bool isSorted = true;
  for (int i = 0; i < nodes.size(); ++i) {
    FreeNames used;
    if (Error error = checkSubgraphs(nodes[i], used))
      return addContext(describeNode(nodes[i]), std::move(error));
    for (const std::string &name : nodes[i].input())
      if (!name.empty())
        used.insert(name);
    for (StringRef name : used) {
      auto it = definitions.find(name);
      if (it == definitions.end()) {
        if (!isOuter(name))
          return addContext(describeNode(nodes[i]),
                            makeModelError("uses " + quoteName(name) + ", which is not defined"));
        free.insert(name);
      } else if (it->second != kBeforeNodes) {
        dependencies[i].push_back(it->second);
        isSorted &= it->second < i;
      }
    }
  }
  scopes.pop_back();
  return isSorted ? Error::success() : sort(nodes, dependencies, where);
}

Error StructureChecker::makeCycleError(const NodeList &nodes,
                                       const std::vector<SmallVector<int, 4>> &dependencies,
                                       const std::vector<int> &missing) {
  // Every node that is left depends on one that is left: going on from one leads into the cycle.
  int node = llvm::find_if(missing, [](int count) { return count > 0; }) - missing.begin();
  std::vector<bool> seen(nodes.size());
  while (!seen[node]) {
    seen[node] = true;
    node = *llvm::find_if(dependencies[node], [&](int other) { return missing[other] > 0; });
  }
  return makeModelError(describeNode(nodes[node]) + " depends on its own results");
}

Error StructureChecker::sort(NodeList &nodes, std::vector<SmallVector<int, 4>> &dependencies,
                             const std::string &where) {
  // Kahn's algorithm; of the nodes that could come next, the first in the file does.
  std::vector<SmallVector<int, 4>> users(nodes.size());
  std::vector<int> missing(nodes.size());
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (int i = 0; i < nodes.size(); ++i) {
    for (int dependency : dependencies[i])
      users[dependency].push_back(i);
    missing[i] = dependencies[i].size();
    if (missing[i] == 0)
      ready.push(i);
  }
  NodeList sorted;
  sorted.Reserve(nodes.size());
  while (!ready.empty()) {
    int next = ready.top();
    ready.pop();
    sorted.Add()->Swap(&nodes[next]);
    for (int user : users[next])
      if (--missing[user] == 0)
        ready.push(user);
  }
  if (sorted.size() != nodes.size())
    return makeCycleError(nodes, dependencies, missing);
  nodes.Swap(&sorted);
  warnings.push_back("the nodes of " + where + " are not in the order in which they can run");
  return Error::success();
}

Error StructureChecker::checkSubgraph(GraphProto &graph, FreeNames &free) {
  Definitions definitions;
  for (const auto &input : graph.input())
    if (Error error = define("input", input.name(), kBeforeNodes, definitions))
      return error;
  if (Error error = defineInitializers(graph, /*isSubgraph=*/true, definitions))
    return error;
  if (Error error = checkNodes(*graph.mutable_node(), definitions, free,
                               "subgraph " + quoteName(graph.name())))
    return error;
  for (const auto &output : graph.output()) {
    if (definitions.contains(output.name()))
      continue;
    if (!isOuter(output.name()))
      return makeModelError("has the output " + quoteName(output.name()) +
                            ", which is not defined");
    free.insert(output.name());
  }
  return Error::success();
}

Error StructureChecker::checkModelGraph(GraphProto &graph, const Opsets &imported) {
  opsets = &imported;
  inFunction = false;
  Definitions definitions, outputs;
  for (const auto &input : graph.input()) {
    if (Error error = define("input", input.name(), kBeforeNodes, definitions))
      return addContext("the graph", std::move(error));
    if (Error error = checkType(input.type(), limits))
      return addContext("input " + quoteName(input.name()), std::move(error));
  }
  if (Error error = defineInitializers(graph, /*isSubgraph=*/false, definitions))
    return error;
  FreeNames free;
  if (Error error = checkNodes(*graph.mutable_node(), definitions, free, "the graph"))
    return error;
  if (graph.output_size() == 0)
    return makeModelError("the graph has no outputs");
  for (const auto &output : graph.output()) {
    if (Error error = define("output", output.name(), 0, outputs))
      return addContext("the graph", std::move(error));
    if (!definitions.contains(output.name()))
      return makeModelError("the graph has the output " + quoteName(output.name()) +
                            ", which no node computes");
    if (Error error = checkType(output.type(), limits))
      return addContext("output " + quoteName(output.name()), std::move(error));
  }
  return Error::success();
}

Error StructureChecker::checkFunction(FunctionProto &function) {
  std::string where = "function " + quoteName(function.name());
  Opsets imported;
  for (const auto &import : function.opset_import())
    imported[normalizeDomain(import.domain())] = import.version();
  opsets = &imported;
  inFunction = true;
  if (function.name().empty())
    return makeModelError("a function of the model has no name");
  for (StringRef name : {StringRef(function.name()), StringRef(function.domain())})
    if (Error error = checkName("function", name, limits))
      return error;
  Definitions definitions;
  for (const std::string &input : function.input())
    if (Error error = define("input", input, kBeforeNodes, definitions))
      return addContext(where, std::move(error));
  FreeNames free;
  if (Error error = checkNodes(*function.mutable_node(), definitions, free, where))
    return addContext(where + ":", std::move(error));
  for (const std::string &output : function.output())
    if (!definitions.contains(output))
      return makeModelError(where + " has the output " + quoteName(output) +
                            ", which no node computes");
  return Error::success();
}

/// Without recursion, so that the checks may recurse after it.
static bool isDeeper(const NodeList &root, int limit) {
  std::vector<std::pair<const NodeList *, int>> worklist{{&root, 0}};
  while (!worklist.empty()) {
    auto [nodes, depth] = worklist.back();
    worklist.pop_back();
    if (depth > limit)
      return true;
    for (const NodeProto &node : *nodes)
      for (const AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          worklist.emplace_back(&attribute.g().node(), depth + 1);
        for (const GraphProto &graph : attribute.graphs())
          worklist.emplace_back(&graph.node(), depth + 1);
      }
  }
  return false;
}

Error moec::checkStructure(ModelProto &model, const OnnxLimits &limits,
                           std::vector<std::string> &warnings) {
  bool isDeep = isDeeper(model.graph().node(), limits.maxGraphDepth);
  for (const FunctionProto &function : model.functions())
    isDeep |= isDeeper(function.node(), limits.maxGraphDepth);
  if (isDeep)
    return makeModelError("subgraphs are nested deeper than " + Twine(limits.maxGraphDepth));
  Opsets imported;
  for (const auto &import : model.opset_import()) {
    auto [it, isNew] = imported.try_emplace(normalizeDomain(import.domain()), import.version());
    if (!isNew && it->second != import.version())
      return makeModelError("the model imports the operator sets " + Twine(it->second) + " and " +
                            Twine(import.version()) + " of domain " +
                            quoteName(import.domain().empty() ? "ai.onnx" : import.domain()));
    if (import.version() < 1 || import.version() > std::numeric_limits<int>::max())
      return makeModelError("the model imports operator set " + Twine(import.version()) +
                            " of domain " +
                            quoteName(import.domain().empty() ? "ai.onnx" : import.domain()));
  }
  StructureChecker checker(limits, warnings);
  for (FunctionProto &function : *model.mutable_functions())
    if (Error error = checker.checkFunction(function))
      return error;
  return checker.checkModelGraph(*model.mutable_graph(), imported);
}
