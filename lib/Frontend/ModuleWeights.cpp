#include "moec/Frontend/ModuleWeights.h"

#include "dialects/MoE/MoEOps.h"

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
  symbol = files.try_emplace("file" + std::to_string(files.size()), file).first->getKey();
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

LogicalResult ModuleWeights::keepBeside(ModuleOp module, llvm::StringRef output) {
  std::optional<uint32_t> spill = store->getSpillFile();
  if (!spill)
    return success();
  if (output == "-") {
    emitWarning(module.getLoc())
        << "weights that the model stores element by element are not kept, so this IR cannot be "
           "compiled: write it with -o FILE to have them beside it";
    return success();
  }
  if (llvm::Error error = store->persistSpill((output + ".weights").str()))
    return emitError(module.getLoc()) << llvm::toString(std::move(error));
  WeightFile row = store->getFile(*spill);
  for (auto file : module.getOps<moe::WeightFileOp>())
    if (lookup(file.getSymName()) == spill) {
      file.setPath(row.path);
      file.setSize(row.size);
    }
  return success();
}
