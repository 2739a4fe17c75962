#include "moec/Support/AtomicFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace llvm;

namespace moec {

namespace {

constexpr mode_t fileMode = 0666; // less the umask
constexpr int attempts = 100;

/// A name that is free unless another process takes it first.
std::string hiddenName(StringRef baseName, int attempt) {
  return ("." + baseName + "." + Twine(getpid()) + "-" + Twine(attempt) + ".tmp").str();
}

Error refuse(StringRef path, mode_t mode) {
  const char *kind = S_ISLNK(mode)   ? "a symbolic link"
                     : S_ISDIR(mode) ? "a directory"
                                     : "not a regular file";
  return createStringError("refusing to replace '%s': it is %s", path.str().c_str(), kind);
}

} // namespace

Error AtomicFile::fail(const char *action) const {
  return createStringError(std::error_code(errno, std::generic_category()), "cannot %s '%s': %s",
                           action, path.c_str(), std::strerror(errno));
}

AtomicFile::AtomicFile(AtomicFile &&other)
    : path(std::move(other.path)), baseName(std::move(other.baseName)),
      temporary(std::exchange(other.temporary, "")), directory(std::exchange(other.directory, -1)),
      descriptor(std::exchange(other.descriptor, -1)) {}

AtomicFile::~AtomicFile() {
  if (!temporary.empty()) {
    unlink(temporary.c_str());
    sys::DontRemoveFileOnSignal(temporary);
  }
  if (descriptor >= 0)
    close(descriptor);
  if (directory >= 0)
    close(directory);
}

Expected<AtomicFile> AtomicFile::create(StringRef path, bool unnamed) {
  AtomicFile file;
  file.path = path.str();
  file.baseName = sys::path::filename(path).str();
  std::string parent = sys::path::parent_path(path).str();
  if (parent.empty())
    parent = ".";

  struct stat status;
  if (lstat(file.path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode))
      return refuse(path, status.st_mode);
  } else if (errno != ENOENT) {
    return file.fail("write");
  }
  file.directory = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file.directory < 0)
    return file.fail("write");
  if (unnamed)
    file.descriptor = openat(file.directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, fileMode);
  for (int i = 0; file.descriptor < 0 && i < attempts; ++i) {
    SmallString<128> hidden(parent);
    sys::path::append(hidden, hiddenName(file.baseName, i));
    file.descriptor =
        open(hidden.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, fileMode);
    if (file.descriptor >= 0) {
      file.temporary = hidden.str().str();
      sys::RemoveFileOnSignal(file.temporary);
    } else if (errno != EEXIST) {
      break;
    }
  }
  if (file.descriptor < 0)
    return file.fail("write");
  return file;
}

Error AtomicFile::write(uint64_t offset, ArrayRef<char> bytes) {
  while (!bytes.empty()) {
    ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail("write");
    offset += count;
    bytes = bytes.drop_front(count);
  }
  return Error::success();
}

Error AtomicFile::setSize(uint64_t size) {
  return ftruncate(descriptor, size) == 0 ? Error::success() : fail("write");
}

/// Gives an unnamed file its name. Replacing takes two steps, because linking does not replace.
Error AtomicFile::publish() {
  const std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  if (linkat(AT_FDCWD, self.c_str(), directory, baseName.c_str(), AT_SYMLINK_FOLLOW) == 0)
    return Error::success();
  for (int i = 0; errno == EEXIST && i < attempts; ++i) {
    const std::string hidden = hiddenName(baseName, i);
    if (linkat(AT_FDCWD, self.c_str(), directory, hidden.c_str(), AT_SYMLINK_FOLLOW) != 0)
      continue;
    if (renameat(directory, hidden.c_str(), directory, baseName.c_str()) == 0)
      return Error::success();
    Error error = fail("replace");
    unlinkat(directory, hidden.c_str(), 0);
    return error;
  }
  return fail("write");
}

Error AtomicFile::commit() {
  if (fsync(descriptor) != 0)
    return fail("write");
  if (temporary.empty()) {
    if (Error error = publish())
      return error;
  } else {
    if (rename(temporary.c_str(), path.c_str()) != 0)
      return fail("replace");
    sys::DontRemoveFileOnSignal(temporary);
    temporary.clear();
  }
  // Some file systems cannot sync a directory; the file is there all the same.
  fsync(directory);
  close(descriptor);
  descriptor = -1;
  return Error::success();
}

bool isStream(StringRef path) {
  sys::fs::file_status status;
  return !sys::fs::status(path, status, /*follow=*/false) &&
         (status.type() == sys::fs::file_type::character_file ||
          status.type() == sys::fs::file_type::fifo_file);
}

Error writeText(StringRef path, StringRef text) {
  if (isStream(path)) {
    std::error_code code;
    raw_fd_ostream stream(path, code, sys::fs::OF_Append);
    if (!code) {
      stream << text;
      stream.flush();
      code = stream.error();
      stream.clear_error();
    }
    return code ? createStringError(code, "cannot write '" + path + "': " + code.message())
                : Error::success();
  }
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = file->write(0, text))
    return error;
  return file->commit();
}

} // namespace moec
