#include "ArtifactWeights.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"
#include "moec/Weights/Panels.h"

#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace moec;

/// How much of a weight is written before its pages are given back.
static constexpr uint64_t kReleaseBytes = uint64_t(32) << 20;

static PanelLayout getPanelLayout(kernel::PanelsAttr attribute, Type elementType) {
  PanelLayout layout;
  layout.perByte = attribute.getPerByte();
  layout.elementSize = layout.perByte > 1 ? 1 : elementType.getIntOrFloatBitWidth() / 8;
  layout.offset = attribute.getOffset();
  layout.count = attribute.getCount();
  layout.depth = attribute.getDepth();
  layout.columns = attribute.getColumns();
  layout.panel = attribute.getPanel();
  ArrayRef<int64_t> strides = attribute.getStrides().asArrayRef();
  layout.countStride = strides[0];
  layout.depthStride = strides[1];
  layout.columnStride = strides[2];
  return layout;
}

/// The weight as it is in its file.
static llvm::Error writePlain(const WeightStore &store, WeightRange range, WeightsSink sink) {
  llvm::Expected<ArrayRef<char>> bytes = store.bytes(range);
  if (!bytes)
    return bytes.takeError();
  for (uint64_t done = 0; done < range.length; done += kReleaseBytes) {
    uint64_t length = std::min(kReleaseBytes, range.length - done);
    if (llvm::Error error = sink(bytes->slice(done, length)))
      return error;
    store.release({range.file, range.offset + done, length});
  }
  return llvm::Error::success();
}

namespace {
/// A part of an entry: a weight, and how it is packed.
struct EntryPart {
  WeightRange range;
  std::optional<PanelLayout> layout;
};
} // namespace

/// Parts whose columns are side by side.
static llvm::Error writePanels(const WeightStore &store, ArrayRef<EntryPart> parts,
                               WeightsSink sink) {
  std::vector<PanelSource> sources;
  for (const EntryPart &part : parts) {
    llvm::Expected<ArrayRef<char>> bytes = store.bytes(part.range);
    if (!bytes)
      return bytes.takeError();
    WeightRange range = part.range;
    sources.push_back(
        {*bytes, *part.layout, [&store, range](int64_t begin, int64_t end) {
           store.release({range.file, range.offset + begin, static_cast<uint64_t>(end - begin)});
         }});
  }
  return packPanels(sources, sink);
}

static llvm::Error writeParts(const WeightStore &store, ArrayRef<EntryPart> parts, size_t beside,
                              WeightsSink sink) {
  for (size_t i = 0; i < parts.size(); i += beside)
    if (llvm::Error error = parts[i].layout ? writePanels(store, parts.slice(i, beside), sink)
                                            : writePlain(store, parts[i].range, sink))
      return error;
  return llvm::Error::success();
}

LogicalResult moec::planWeights(ModuleOp module, const ModuleWeights &weights,
                                ArtifactRequest &request) {
  const WeightStore &store = weights.getStore();
  SymbolTable symbols(module);
  for (auto packed : module.getOps<kernel::PackedOp>()) {
    std::vector<EntryPart> parts;
    for (auto [i, source] : llvm::enumerate(packed.getSources().getAsRange<FlatSymbolRefAttr>())) {
      auto data = symbols.lookup<moe::WeightDataOp>(source.getAttr());
      if (!data)
        return packed.emitOpError("names '")
               << source.getValue() << "', which is no 'moe.weight_data'";
      std::optional<uint32_t> file = weights.lookup(data.getFile());
      if (!file)
        return data.emitOpError("names '") << data.getFile() << "', which is no file of the model";
      EntryPart part{{*file, data.getOffset(), data.getLength()}, {}};
      if (llvm::Expected<ArrayRef<char>> bytes = store.bytes(part.range); !bytes)
        return data.emitOpError(llvm::toString(bytes.takeError()));
      if (packed.getLayouts()) {
        part.layout = getPanelLayout(cast<kernel::PanelsAttr>((*packed.getLayouts())[i]),
                                     cast<ShapedType>(data.getType()).getElementType());
        if (llvm::Error error = part.layout->verify(part.range.length))
          return packed.emitOpError(llvm::toString(std::move(error)));
      }
      parts.push_back(part);
    }
    WeightsEntry entry{
        static_cast<uint64_t>(packed.getOffset()), static_cast<uint64_t>(packed.getSize()), {}};
    entry.write = [&store, parts = std::move(parts),
                   beside = static_cast<size_t>(packed.getBeside())](WeightsSink sink) {
      return writeParts(store, parts, beside, sink);
    };
    request.weights.push_back(std::move(entry));
    request.weightsSize =
        std::max<uint64_t>(request.weightsSize, packed.getOffset() + packed.getSize());
  }
  return success();
}

ModelHash::ModelHash(const ModuleWeights &weights, StringRef input, bool inBackground) {
  WeightStore &store = weights.getStore();
  // An imported model is file 0 of its store already. What was decoded follows from the others.
  std::vector<uint32_t> files;
  std::vector<WeightFile> table = store.getTable();
  SmallString<256> path(input);
  llvm::sys::fs::make_absolute(path);
  bool isKnown = !table.empty() && table.front().path == path;
  if (!isKnown && input != "-" && llvm::sys::fs::is_regular_file(path)) {
    llvm::Expected<uint32_t> added = store.addFile(path);
    if (!added) {
      result = std::async(std::launch::deferred, [message = llvm::toString(added.takeError())] {
        return Result{{}, message};
      });
      return;
    }
    files.push_back(*added);
  }
  std::optional<uint32_t> spill = store.getSpillFile();
  for (uint32_t file = 0; file < table.size(); ++file)
    if (file != spill)
      files.push_back(file);
  result = std::async(inBackground ? std::launch::async : std::launch::deferred,
                      [&store, files = std::move(files)] {
                        llvm::Expected<Sha256Digest> digest = sha256Files(store, files);
                        return digest ? Result{*digest, ""}
                                      : Result{{}, llvm::toString(digest.takeError())};
                      });
}

llvm::Expected<Sha256Digest> ModelHash::take() {
  Result value = result.get();
  if (!value.error.empty())
    return llvm::createStringError(value.error);
  return value.digest;
}
