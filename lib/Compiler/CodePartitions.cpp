#include "CodePartitions.h"

#include "dialects/Kernel/KernelOps.h"
#include "moec/Artifact/Codegen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace moec;

namespace {

/// Parts, besides the glue. Fixed, so that the result does not depend on the machine.
constexpr unsigned kNumParts = 8;

class Partitioner {
public:
  explicit Partitioner(ModuleOp module) : module(module), symbols(module) {}

  std::vector<CodePartition> run() {
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal())
        addFunction(function);
    assignParts();
    std::vector<CodePartition> result;
    for (unsigned part = 0; part <= kNumParts; ++part) {
      OwningOpRef<ModuleOp> copy = extract(part);
      if (copy)
        result.push_back({std::move(copy), part == 0});
    }
    return result;
  }

private:
  void addFunction(LLVM::LLVMFuncOp function) {
    int64_t size = 0;
    llvm::SetVector<Operation *> &references = used[function];
    function.walk([&](Operation *op) {
      ++size;
      op->getAttrDictionary().walk([&](FlatSymbolRefAttr name) {
        if (Operation *symbol = symbols.lookup(name.getAttr()))
          references.insert(symbol);
      });
      if (auto call = dyn_cast<LLVM::CallOp>(op); call && call.getCallee())
        if (Operation *symbol = symbols.lookup(*call.getCallee()))
          references.insert(symbol);
      if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
        if (Operation *symbol = symbols.lookup(address.getGlobalName()))
          references.insert(symbol);
    });
    sizes[function] = size;
  }

  /// The entry calls the function of the model, and that its parts: those are the glue.
  bool isGlue(LLVM::LLVMFuncOp function) {
    if (function.getSymName() == defaultEntryName || function->hasAttr(kernel::kOutlinedAttrName))
      return true;
    auto entry = symbols.lookup<LLVM::LLVMFuncOp>(defaultEntryName);
    return entry && used[entry].contains(function);
  }

  void assignParts() {
    llvm::EquivalenceClasses<Operation *> groups;
    for (auto &[function, references] : used) {
      if (isGlue(cast<LLVM::LLVMFuncOp>(function))) {
        partOf[function] = 0;
        continue;
      }
      groups.insert(function);
      for (Operation *symbol : references)
        if (used.contains(symbol) && !isGlue(cast<LLVM::LLVMFuncOp>(symbol)))
          groups.unionSets(function, symbol);
    }
    // Groups in the order of their first function, the largest first, to the part with the least.
    llvm::MapVector<Operation *, std::pair<int64_t, SmallVector<Operation *>>> byLeader;
    for (auto &[function, references] : used) {
      if (partOf.contains(function))
        continue;
      auto &[size, members] = byLeader[groups.getLeaderValue(function)];
      size += sizes[function];
      members.push_back(function);
    }
    auto ordered = byLeader.takeVector();
    llvm::stable_sort(ordered,
                      [](const auto &a, const auto &b) { return a.second.first > b.second.first; });
    std::array<int64_t, kNumParts> load = {};
    for (auto &[leader, group] : ordered) {
      auto least = std::min_element(load.begin(), load.end());
      *least += group.first;
      for (Operation *member : group.second)
        partOf[member] = 1 + (least - load.begin());
    }
    for (auto &[function, references] : used)
      for (Operation *symbol : references)
        if (used.contains(symbol) && partOf[symbol] != partOf[function])
          shared.insert(symbol);
  }

  OwningOpRef<ModuleOp> extract(unsigned part) {
    llvm::SetVector<Operation *> foreign;
    SmallVector<Operation *> own;
    for (auto &[function, references] : used) {
      if (partOf[function] != part)
        continue;
      own.push_back(function);
      for (Operation *symbol : references)
        if (!used.contains(symbol) || partOf[symbol] != part)
          foreign.insert(symbol);
    }
    if (own.empty())
      return {};
    OwningOpRef<ModuleOp> result = ModuleOp::create(module.getLoc());
    (*result)->setDiscardableAttrs(module->getDiscardableAttrDictionary());
    OpBuilder builder = OpBuilder::atBlockEnd(result->getBody());
    for (Operation *symbol : foreign) {
      auto function = dyn_cast<LLVM::LLVMFuncOp>(symbol);
      if (!function || function.isExternal()) {
        builder.clone(*symbol);
        continue;
      }
      auto declaration = LLVM::LLVMFuncOp::create(builder, function.getLoc(), function.getSymName(),
                                                  function.getFunctionType());
      declaration.setVisibility_(LLVM::Visibility::Hidden);
    }
    for (Operation *function : own) {
      auto copy = cast<LLVM::LLVMFuncOp>(builder.clone(*function));
      bool isShared = shared.contains(function) || copy.getSymName() == defaultEntryName;
      copy->removeAttr(kernel::kOutlinedAttrName);
      copy.setLinkage(isShared ? LLVM::Linkage::External : LLVM::Linkage::Internal);
      copy.setVisibility_(isShared ? LLVM::Visibility::Hidden : LLVM::Visibility::Default);
    }
    return result;
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::MapVector<Operation *, llvm::SetVector<Operation *>> used;
  llvm::DenseMap<Operation *, int64_t> sizes;
  llvm::DenseMap<Operation *, unsigned> partOf;
  llvm::DenseSet<Operation *> shared; ///< used from another part
};

} // namespace

std::vector<CodePartition> moec::partitionCode(ModuleOp module) {
  return Partitioner(module).run();
}
