//===- WeightStore.h - The bytes of weights, by file and offset -----------------===//
//
// Weights stay in the files they came in. The store is the table of those files: it maps them and
// hands out their bytes. What is not in a file as it is needed (decoded or computed data) goes into
// the store's spill file, which then is a file of the table like the others.
//
//===----------------------------------------------------------------------------===//
#ifndef MOEC_WEIGHTS_WEIGHTSTORE_H
#define MOEC_WEIGHTS_WEIGHTSTORE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moec {

/// Bytes of a file of a store. Offsets have no particular alignment, except that those of spilled
/// ranges are multiples of 64.
struct WeightRange {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t length = 0; ///< in bytes
};

/// A row of the table, as IR carries it.
struct WeightFile {
  std::string path; ///< absolute; "" for a spill file that was not persisted
  uint64_t size = 0;
};

struct WeightStoreOptions {
  /// Copy files when they are added, into temporary files that no one else can change: otherwise
  /// truncating a file while it is mapped kills the process (SIGBUS).
  bool untrusted = false;
  /// Where temporary files go; "": TMPDIR, else the system's folder for them.
  std::string temporaryDirectory;
};

/// Files are only added, and their bytes stay where they are until the store goes. All functions
/// may be called from several threads at once, except persistSpill.
class WeightStore {
public:
  explicit WeightStore(WeightStoreOptions options = {});
  /// The store of a table, files keeping their places in it (--from=PHASE). Fails if a file is
  /// missing or has another size.
  static llvm::Expected<std::unique_ptr<WeightStore>> fromTable(llvm::ArrayRef<WeightFile> table,
                                                                WeightStoreOptions options = {});
  ~WeightStore();
  WeightStore(const WeightStore &) = delete;
  WeightStore &operator=(const WeightStore &) = delete;

  /// Adds a regular file and returns its number. Fails if it has not the expected size.
  llvm::Expected<uint32_t> addFile(llvm::StringRef path,
                                   std::optional<uint64_t> expectedSize = std::nullopt);
  /// Adds a file that is open for reading. The descriptor stays the caller's and is not needed
  /// afterwards; the path is for the table and for messages.
  llvm::Expected<uint32_t> addOpenFile(int descriptor, llvm::StringRef path);

  uint32_t getNumFiles() const;
  WeightFile getFile(uint32_t file) const;
  std::vector<WeightFile> getTable() const;

  /// All bytes of a file.
  llvm::Expected<llvm::ArrayRef<char>> bytes(uint32_t file) const;
  /// Fails, naming the file, if the range is not all in it.
  llvm::Expected<llvm::ArrayRef<char>> bytes(WeightRange range) const;

  /// Says that bytes will not be needed soon, which keeps the memory of the process small when
  /// large weights are streamed. They remain readable where they are.
  void release(WeightRange range) const;

  /// Appends data to the spill file, which is made when it is first needed and has no name, so that
  /// nothing is left of it however the process ends.
  llvm::Expected<WeightRange> spill(llvm::ArrayRef<char> data);

  /// A range of the spill file that is written piece by piece, for data that is not in memory
  /// whole.
  class SpillWriter {
  public:
    llvm::Error write(llvm::ArrayRef<char> data);
    /// The range, for which just as many bytes must have been written as were announced.
    llvm::Expected<WeightRange> finish();

  private:
    friend class WeightStore;
    SpillWriter(WeightStore &store, WeightRange range) : store(store), range(range) {}
    WeightStore &store;
    WeightRange range;
    uint64_t written = 0;
  };
  llvm::Expected<SpillWriter> startSpill(uint64_t length);

  /// The number of the spill file, if there is one.
  std::optional<uint32_t> getSpillFile() const;
  /// Writes what was spilled to `path`, as one step, and puts that into the table, so that IR that
  /// is written out can be read again. What is spilled later goes into a new file. Does nothing
  /// where nothing was spilled.
  llvm::Error persistSpill(llvm::StringRef path);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace moec

#endif // MOEC_WEIGHTS_WEIGHTSTORE_H
