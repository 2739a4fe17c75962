//===- moec-test-link.cpp - Artifacts from objects that were written by hand
//------------------------===//
//
//   moec-test-link OBJECT SIGNATURE.json MODEL.so
//
// For tests of what handles compiled models, without the compiler: the object defines the program
// (moec_rt/kernel_abi.h) and has no weights.
//
//===----------------------------------------------------------------------------------------------===//
#include "moec/Artifact/Artifact.h"
#include "moec/Support/Json.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

static Error link(StringRef object, StringRef signature, StringRef output) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(object);
  if (!buffer)
    return createStringError(object + ": " + buffer.getError().message());
  Expected<json::Value> json = moec::readJsonFile(signature);
  if (!json)
    return json.takeError();
  const json::Object *root = json->getAsObject();
  if (!root)
    return createStringError(signature + ": no JSON object");
  Expected<moec::Signature> parsed = moec::Signature::fromJSON(*root);
  if (!parsed)
    return parsed.takeError();

  moec::ArtifactRequest request;
  request.objects = {ArrayRef((*buffer)->getBufferStart(), (*buffer)->getBufferSize())};
  request.signature = std::move(*parsed);
  request.target = moec::CpuTarget::fromFeatures("x86-64", 0);
  return moec::writeArtifact(request, output);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  if (argc != 4) {
    errs() << "usage: moec-test-link OBJECT SIGNATURE.json MODEL.so\n";
    return 1;
  }
  if (Error error = link(argv[1], argv[2], argv[3])) {
    WithColor::error(errs(), "moec-test-link") << toString(std::move(error)) << '\n';
    return 1;
  }
  return 0;
}
