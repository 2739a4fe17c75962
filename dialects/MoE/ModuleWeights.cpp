#include "dialects/MoE/ModuleWeights.h"

#include "OpenWeights.h"
#include "dialects/MoE/MoEOps.h"
#include "moec/Support/AtomicFile.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace moec;

llvm::Expected<ModuleWeights> ModuleWeights::open(ModuleOp module, WeightStoreOptions options) {
  std::vector<WeightFile> table;
  llvm::StringMap<uint32_t> files;
  for (auto file : module.getOps<moe::WeightFileOp>()) {
    files[file.getSymName()] = table.size();
    table.push_back({file.getPath().str(), file.getSize()});
  }
  llvm::Expected<std::unique_ptr<WeightStore>> store =
      WeightStore::fromTable(table, std::move(options));
  if (!store)
    return store.takeError();
  ModuleWeights result(std::move(*store));
  result.files = std::move(files);
  return result;
}

llvm::StringRef ModuleWeights::declare(ModuleOp module, uint32_t file) {
  llvm::StringRef &symbol = symbols[file];
  if (!symbol.empty())
    return symbol;
  for (size_t number = files.size(); symbol.empty(); ++number)
    if (auto [entry, isNew] = files.try_emplace("file" + std::to_string(number), file); isNew)
      symbol = entry->getKey();
  Block *body = module.getBody();
  auto behind = llvm::find_if_not(*body, llvm::IsaPred<moe::WeightFileOp>);
  OpBuilder builder(body, behind);
  WeightFile row = store->getFile(file);
  moe::WeightFileOp::create(builder, module.getLoc(), symbol, row.path, row.size);
  return symbol;
}

std::optional<uint32_t> ModuleWeights::lookup(llvm::StringRef symbol) const {
  auto it = files.find(symbol);
  return it == files.end() ? std::nullopt : std::optional<uint32_t>(it->second);
}

/// OUTPUT.weights, or the first OUTPUT.N.weights that the module has nothing in.
static std::string getFreePath(ModuleOp module, llvm::StringRef output) {
  llvm::StringSet<> taken;
  for (auto file : module.getOps<moe::WeightFileOp>())
    taken.insert(file.getPath());
  for (unsigned i = 1;; ++i) {
    SmallString<256> path(output);
    if (i > 1)
      path += ("." + Twine(i)).str();
    path += ".weights";
    llvm::sys::fs::make_absolute(path);
    if (!taken.contains(path))
      return path.str().str();
  }
}

LogicalResult ModuleWeights::keepBeside(ModuleOp module, llvm::StringRef output) {
  std::optional<uint32_t> spill = store->getSpillFile();
  if (!spill)
    return success();
  if (output == "-" || isStream(output)) {
    emitWarning(module.getLoc())
        << "weights that are made here, not in the files of the model, are not kept, so this IR "
           "cannot be compiled: write it with -o FILE to have them beside it";
    return success();
  }
  if (llvm::Error error = store->persistSpill(getFreePath(module, output)))
    return emitError(module.getLoc()) << llvm::toString(std::move(error));
  WeightFile row = store->getFile(*spill);
  for (auto file : module.getOps<moe::WeightFileOp>())
    if (lookup(file.getSymName()) == spill) {
      file.setPath(row.path);
      file.setSize(row.size);
    }
  return success();
}

/// Of a module that has the weight files that were opened; its place may be another module's by
/// now.
static bool isOf(const ModuleWeights &weights, ModuleOp module) {
  return llvm::all_of(module.getOps<moe::WeightFileOp>(), [&](moe::WeightFileOp file) {
    std::optional<uint32_t> number = weights.lookup(file.getSymName());
    if (!number)
      return false;
    WeightFile row = weights.getStore().getFile(*number);
    SmallString<256> path(file.getPath());
    if (!path.empty())
      llvm::sys::fs::make_absolute(path);
    return row.path == path && (path.empty() || row.size == file.getSize());
  });
}

ModuleWeights *moec::findModuleWeights(ModuleOp module) {
  moe::OpenWeights &open = moe::OpenWeights::get(module.getContext());
  std::scoped_lock<std::mutex> lock(open.mutex);
  auto it = open.modules.find(module);
  return it != open.modules.end() && isOf(*it->second, module) ? it->second.get() : nullptr;
}

FailureOr<ModuleWeights *> moec::getModuleWeights(ModuleOp module) {
  if (ModuleWeights *weights = findModuleWeights(module))
    return weights;
  llvm::Expected<ModuleWeights> weights = ModuleWeights::open(module);
  if (!weights)
    return emitError(UnknownLoc::get(module.getContext())) << llvm::toString(weights.takeError());
  setModuleWeights(module, std::move(*weights));
  return findModuleWeights(module);
}

void moec::setModuleWeights(ModuleOp module, ModuleWeights weights) {
  moe::OpenWeights &open = moe::OpenWeights::get(module.getContext());
  std::scoped_lock<std::mutex> lock(open.mutex);
  open.modules[module] = std::make_unique<ModuleWeights>(std::move(weights));
}

void moec::closeModuleWeights(ModuleOp module) {
  moe::OpenWeights &open = moe::OpenWeights::get(module.getContext());
  std::scoped_lock<std::mutex> lock(open.mutex);
  open.modules.erase(module);
}
