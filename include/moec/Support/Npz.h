//===- Npz.h - Archives of NumPy arrays (.npz) -------------------------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_NPZ_H
#define MOEC_SUPPORT_NPZ_H

#include "moec/Support/Npy.h"

#include "llvm/ADT/StringMap.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace moec {

/// An .npz file open for reading. Arrays are read when asked for, so that a file may hold more than
/// memory does. Files are untrusted: every size is checked before memory is taken, and the
/// checksums of the archive are verified.
class NpzReader {
public:
  /// No array above `maxArrayBytes` is read (a few kilobytes of deflated zeros can claim
  /// gigabytes).
  static llvm::Expected<NpzReader> open(llvm::StringRef path, int64_t maxArrayBytes = int64_t(4)
                                                                                      << 30);
  NpzReader(NpzReader &&other);
  ~NpzReader();

  llvm::StringRef path() const { return filePath; }
  /// Keys (member names without ".npy") in the order of the file. Members of other kinds are left
  /// out.
  llvm::ArrayRef<std::string> keys() const { return keyList; }
  bool contains(llvm::StringRef key) const { return memberIndices.contains(key); }

  /// Type and shape of one array. Errors name file and key.
  llvm::Expected<NpyHeader> readHeader(llvm::StringRef key);
  llvm::Expected<NpyArray> read(llvm::StringRef key);

private:
  struct Archive;
  struct Member;
  NpzReader(llvm::StringRef path, std::unique_ptr<Archive> archive, int64_t maxArrayBytes);
  llvm::Expected<Member> openMember(llvm::StringRef key);
  llvm::Error error(llvm::StringRef key, const llvm::Twine &message) const;

  std::string filePath;
  std::unique_ptr<Archive> archive;
  int64_t maxArrayBytes;
  std::vector<std::string> keyList;
  llvm::StringMap<uint64_t> memberIndices;
};

/// Writes an .npz file as numpy.savez does (stored members). The file appears under its name only
/// when `finish` succeeds; the same arrays give the same bytes.
class NpzWriter {
public:
  /// Refuses a path that exists and is not a regular file.
  static llvm::Expected<NpzWriter> create(llvm::StringRef path);
  NpzWriter(NpzWriter &&other);
  ~NpzWriter();

  /// Adds an array. `data` has header.numBytes() bytes in row-major order and must live until
  /// `finish`.
  llvm::Error add(llvm::StringRef key, const NpyHeader &header, const void *data);
  llvm::Error finish();

private:
  struct Archive;
  NpzWriter(llvm::StringRef path, std::unique_ptr<Archive> archive);

  std::string filePath;
  std::unique_ptr<Archive> archive;
  std::deque<std::string> headers; ///< borrowed by the archive until it is closed
};

} // namespace moec

#endif // MOEC_SUPPORT_NPZ_H
