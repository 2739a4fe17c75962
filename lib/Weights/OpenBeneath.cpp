#include "OpenBeneath.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
/// openat2 gives up with EAGAIN when names change while it resolves a path.
constexpr int kAttempts = 16;

} // namespace

int moec::openBeneath(int directory, const std::string &path) {
  open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int i = 0; i < kAttempts; ++i) {
    const long file = syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how));
    if (file >= 0)
      return static_cast<int>(file);
    // Sandboxes that do not know the call refuse it with EPERM.
    if (errno == ENOSYS || errno == EPERM)
      return openBeneathByComponents(directory, path);
    if (errno != EAGAIN && errno != EINTR)
      return -1;
  }
  return -1;
}

int moec::openBeneathByComponents(int directory, const std::string &path) {
  int parent = directory;
  for (size_t begin = 0;;) {
    const size_t end = path.find('/', begin);
    const std::string component = path.substr(begin, end - begin);
    int file = -1;
    if (component.empty() || component == "..")
      errno = EINVAL;
    else
      file = openat(parent, component.c_str(),
                    O_NOFOLLOW |
                        (end == std::string::npos ? kFlags : O_PATH | O_DIRECTORY | O_CLOEXEC));
    int error = errno;
    // With O_DIRECTORY a link is reported as what it is not.
    if (struct stat status; file < 0 && error == ENOTDIR &&
                            fstatat(parent, component.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                            S_ISLNK(status.st_mode))
      error = ELOOP;
    if (parent != directory)
      close(parent);
    errno = error;
    if (file < 0 || end == std::string::npos)
      return file;
    parent = file;
    begin = end + 1;
  }
}
