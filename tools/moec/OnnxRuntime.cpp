#include "tools/moec/OnnxRuntime.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {
namespace {

constexpr StringLiteral script =
#include "tools/moec/RunOnnxScript.inc"
    ;

/// The last line of a file that is not blank: of a traceback, the error.
std::string lastLine(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  StringRef text = buffer ? (*buffer)->getBuffer().rtrim() : "";
  return text.substr(text.rfind('\n') + 1).str();
}

} // namespace

Expected<TemporaryFolder> TemporaryFolder::create() {
  SmallString<128> path;
  if (std::error_code code = sys::fs::createUniqueDirectory("moec", path))
    return createStringError(code, "cannot make a temporary folder: " + code.message());
  return TemporaryFolder(path.str().str());
}

TemporaryFolder::~TemporaryFolder() {
  if (!path.empty())
    (void)sys::fs::remove_directories(path);
}

Error runInOnnxRuntime(StringRef model, StringRef inputs, StringRef prefix,
                       ArrayRef<std::string> names, StringRef output,
                       const TemporaryFolder &folder) {
  std::string wanted = sys::Process::GetEnv("MOEC_PYTHON").value_or("python3");
  ErrorOr<std::string> python = sys::findProgramByName(wanted);
  if (!python || !sys::fs::can_execute(*python))
    return createStringError("no '" + wanted +
                             "' found: set MOEC_PYTHON to a Python with numpy, onnx and "
                             "onnxruntime");
  std::string namesPath = folder.file("names.json"), errorsPath = folder.file("errors.txt");
  std::error_code code;
  raw_fd_ostream os(namesPath, code);
  if (code)
    return createStringError(code, namesPath + ": " + code.message());
  os << json::Value(json::Array(names));
  os.close();
  SmallVector<StringRef> arguments{*python, "-c", script, model, inputs, prefix, namesPath, output};
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(""), StringRef(errorsPath)};
  std::string message;
  int status = sys::ExecuteAndWait(*python, arguments, std::nullopt, redirects,
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  if (message.empty())
    message = lastLine(errorsPath);
  return createStringError(*python + ": " +
                           (message.empty() ? "failed without a message" : message));
}

} // namespace moec::cli
