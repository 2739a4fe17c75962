//===- AtomicFile.h - replace a file at once or not at all --------------------===//

#ifndef MOEC_SUPPORT_ATOMICFILE_H
#define MOEC_SUPPORT_ATOMICFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace moec {

/// A file that is being written. It has no name until commit(), so whatever happens before (an
/// error, an interrupt, a crash) leaves nothing behind, and what was at the path stays as it was.
/// Where the file system has no files without names, it is a hidden one in the same directory that
/// is removed on errors and signals.
class AtomicFile {
public:
  /// Starts a file for `path`. Refuses a path that is taken by anything but a regular file,
  /// symbolic links included. Without `unnamed` it does as on file systems that have no files
  /// without names.
  static llvm::Expected<AtomicFile> create(llvm::StringRef path, bool unnamed = true);

  AtomicFile(AtomicFile &&other);
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  const std::string &getPath() const { return path; }

  /// Open for reading and writing; for those who want a stream of their own.
  int getDescriptor() const { return descriptor; }

  /// Writes at an offset. What is never written reads as zeros and takes no space.
  llvm::Error write(uint64_t offset, llvm::ArrayRef<char> bytes);
  llvm::Error setSize(uint64_t size);

  /// Makes the file durable and gives it its name. Nothing can be written afterwards.
  llvm::Error commit();

private:
  AtomicFile() = default;
  llvm::Error fail(const char *action) const;
  llvm::Error publish();

  std::string path, baseName;
  /// The name of the hidden file while it has one.
  std::string temporary;
  int directory = -1;
  int descriptor = -1;
};

/// Whether it is what nothing can be kept in or beside: a character device, as /dev/null, or a
/// pipe.
bool isStream(llvm::StringRef path);

/// Writes all of a text: a file is replaced at once or not at all, a stream is written to.
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text);

} // namespace moec

#endif // MOEC_SUPPORT_ATOMICFILE_H
