#include "Linker.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace llvm;

namespace moec {

namespace {

constexpr char exports[] = "{ global: " MOEC_MODEL_SYMBOL "; local: *; };";

/// A file without a name or a place on disk, which a child process inherits.
class MemoryFile {
public:
  static Expected<MemoryFile> create(ArrayRef<char> content) {
    MemoryFile file;
    // Without MFD_CLOEXEC: the linker opens it by its number.
    file.descriptor = memfd_create("moec", 0);
    if (file.descriptor < 0)
      return createStringError("cannot create a file in memory: %s", std::strerror(errno));
    while (!content.empty()) {
      ssize_t count = write(file.descriptor, content.data(), content.size());
      if (count < 0)
        return createStringError("cannot write a file in memory: %s", std::strerror(errno));
      content = content.drop_front(count);
    }
    return file;
  }
  MemoryFile(MemoryFile &&other) : descriptor(std::exchange(other.descriptor, -1)) {}
  MemoryFile &operator=(MemoryFile &&) = delete;
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }

  /// Its path in this process and in children.
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }

  Expected<std::vector<char>> read() const {
    struct stat status;
    if (fstat(descriptor, &status) != 0)
      return createStringError("cannot read a file in memory: %s", std::strerror(errno));
    std::vector<char> content(status.st_size);
    if (pread(descriptor, content.data(), content.size(), 0) != ssize_t(content.size()))
      return createStringError("cannot read a file in memory: %s", std::strerror(errno));
    return content;
  }

private:
  MemoryFile() = default;
  int descriptor = -1;
};

Expected<std::string> findLinker(const LinkOptions &options) {
  if (!options.linker.empty())
    return options.linker;
  if (auto path = sys::findProgramByName("ld.lld", {MOEC_LLVM_TOOLS_DIR}))
    return *path;
  if (auto path = sys::findProgramByName("ld.lld"))
    return *path;
  return createStringError("cannot find the linker ld.lld, neither in " MOEC_LLVM_TOOLS_DIR
                           " nor in PATH; install LLVM's lld (Debian: lld-22)");
}

Expected<std::string> findRuntime(const LinkOptions &options) {
  SmallString<128> path(options.runtime);
  if (path.empty()) {
    static int anchor;
    path =
        sys::path::parent_path(sys::path::parent_path(sys::fs::getMainExecutable("moec", &anchor)));
    sys::path::append(path, "lib", "libmoec_rt.a");
  }
  if (!sys::fs::exists(path))
    return createStringError("cannot find the runtime library '%s'", path.c_str());
  return std::string(path);
}

/// The C library that this process runs with: unlike libc.so, the linker script for building
/// programs, it is on every machine.
Expected<std::string> findLibc(const LinkOptions &options) {
  if (!options.libc.empty())
    return options.libc;
  Dl_info info;
  void *symbol = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
  if (symbol && dladdr(symbol, &info) && info.dli_fname &&
      sys::path::filename(info.dli_fname) == "libc.so.6")
    return std::string(info.dli_fname);
  return createStringError("cannot find libc.so.6; models can be linked on glibc systems only");
}

/// The linker's words, with names for the files in memory.
std::string readableMessage(StringRef text, ArrayRef<MemoryFile> objects) {
  std::string message = text.trim().str();
  for (const MemoryFile &object : objects) {
    const std::string path = object.path();
    for (size_t at; (at = message.find(path)) != std::string::npos;)
      message.replace(at, path.size(), "<generated code>");
  }
  return message;
}

} // namespace

Expected<std::vector<char>> linkImage(ArrayRef<ArrayRef<char>> objects,
                                      const LinkOptions &options) {
  Expected<std::string> linker = findLinker(options);
  if (!linker)
    return linker.takeError();
  Expected<std::string> runtime = findRuntime(options);
  if (!runtime)
    return runtime.takeError();
  Expected<std::string> libc = findLibc(options);
  if (!libc)
    return libc.takeError();
  SmallString<128> libm(sys::path::parent_path(*libc));
  sys::path::append(libm, "libm.so.6");

  std::vector<MemoryFile> files;
  for (ArrayRef<char> object : objects) {
    Expected<MemoryFile> file = MemoryFile::create(object);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  Expected<MemoryFile> versions = MemoryFile::create(ArrayRef(exports, sizeof exports - 1));
  if (!versions)
    return versions.takeError();
  Expected<MemoryFile> image = MemoryFile::create({});
  if (!image)
    return image.takeError();
  Expected<MemoryFile> messages = MemoryFile::create({});
  if (!messages)
    return messages.takeError();

  std::vector<std::string> arguments = {"ld.lld",
                                        "-shared",
                                        "-o",
                                        "-",
                                        "-Bsymbolic",
                                        "--version-script=" + versions->path(),
                                        "--undefined=" MOEC_MODEL_SYMBOL,
                                        "--gc-sections",
                                        "--no-undefined",
                                        "--eh-frame-hdr",
                                        "--hash-style=gnu",
                                        "--build-id=none",
                                        "-z",
                                        "relro",
                                        "-z",
                                        "now",
                                        "-z",
                                        "noexecstack"};
  for (const MemoryFile &file : files)
    arguments.push_back(file.path());
  arguments.insert(arguments.end(), {*runtime, "--as-needed", *libc, std::string(libm)});

  const std::string imagePath = image->path(), messagesPath = messages->path();
  const std::optional<StringRef> redirects[] = {StringRef(), StringRef(imagePath),
                                                StringRef(messagesPath)};
  std::string error;
  int status =
      sys::ExecuteAndWait(*linker, SmallVector<StringRef>(arguments.begin(), arguments.end()),
                          std::nullopt, redirects, 0, 0, &error);
  if (status != 0) {
    Expected<std::vector<char>> text = messages->read();
    if (!text)
      return text.takeError();
    std::string words = readableMessage(StringRef(text->data(), text->size()), files);
    return createStringError("linking with '" + *linker +
                             "' failed: " + (words.empty() ? error : words));
  }
  return image->read();
}

} // namespace moec
