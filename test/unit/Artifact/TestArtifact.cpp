#include "TestArtifact.h"

#include "moec/Artifact/Codegen.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>

using namespace llvm;
using namespace moec;

// What generated code looks like: buffers in, a parallel loop, an output from moec_rt_alloc.
const char addModel[] = R"(
@moec_rt_weights = external hidden global ptr
declare ptr @moec_rt_alloc(ptr, i64)
declare void @moec_rt_parallel(ptr, ptr, ptr, i64, i64)

define internal void @task(ptr %context, ptr %arguments, i64 %begin, i64 %end, i64 %worker) {
entry:
  %a = load ptr, ptr %arguments
  %b.slot = getelementptr i8, ptr %arguments, i64 8
  %b = load ptr, ptr %b.slot
  %out.slot = getelementptr i8, ptr %arguments, i64 16
  %out = load ptr, ptr %out.slot
  %weights = load ptr, ptr @moec_rt_weights
  %w = getelementptr i8, ptr %weights, i64 WEIGHTS_OFFSET
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %a.i = getelementptr float, ptr %a, i64 %i
  %b.i = getelementptr float, ptr %b, i64 %i
  %out.i = getelementptr float, ptr %out, i64 %i
  %column = and i64 %i, 3
  %w.i = getelementptr float, ptr %w, i64 %column
  %x = load float, ptr %a.i
  %y = load float, ptr %b.i
  %z = load float, ptr %w.i
  %xy = fadd float %x, %y
  %sum = fadd float %xy, %z
  store float %sum, ptr %out.i
  %next = add i64 %i, 1
  %done = icmp eq i64 %next, %end
  br i1 %done, label %exit, label %loop
exit:
  ret void
}

define hidden void @moec_entry(ptr %context, ptr %inputs, ptr %outputs) {
  %arguments = alloca { ptr, ptr, ptr }
  %rows.slot = getelementptr i8, ptr %inputs, i64 8
  %rows = load i64, ptr %rows.slot
  %count = shl i64 %rows, 2
  %bytes = shl i64 %count, 2
  %a = load ptr, ptr %inputs
  store ptr %a, ptr %arguments
  %b.buffer = getelementptr i8, ptr %inputs, i64 136
  %b = load ptr, ptr %b.buffer
  %b.slot = getelementptr i8, ptr %arguments, i64 8
  store ptr %b, ptr %b.slot
  %out = call ptr @moec_rt_alloc(ptr %context, i64 %bytes)
  %out.slot = getelementptr i8, ptr %arguments, i64 16
  store ptr %out, ptr %out.slot
  call void @moec_rt_parallel(ptr %context, ptr @task, ptr %arguments, i64 %count, i64 16)
  store ptr %out, ptr %outputs
  %out.rows = getelementptr i8, ptr %outputs, i64 8
  store i64 %rows, ptr %out.rows
  %out.columns = getelementptr i8, ptr %outputs, i64 16
  store i64 4, ptr %out.columns
  ret void
}
)";

void ArtifactTest::SetUp() {
  SmallString<128> created;
  ASSERT_FALSE(sys::fs::createUniqueDirectory("moec-artifact", created));
  folder = created.str().str();
  request.signature.symbols = {"n"};
  request.signature.inputs = {{"a", MOEC_FLOAT32, {-1, 4}}, {"b", MOEC_FLOAT32, {-1, 4}}};
  request.signature.outputs = {{"sum", MOEC_FLOAT32, {-1, 4}}};
  request.target = cantFail(CpuTarget::parse("native"));
  request.modelHash.fill(0xab);
  request.weightsSize = 128;
  request.link.runtime = MOEC_RT_LIBRARY;
  compile(addModel);
}

void ArtifactTest::TearDown() { std::filesystem::remove_all(folder); }

std::string ArtifactTest::path(StringRef name) const { return folder + "/" + name.str(); }

void ArtifactTest::compile(const std::string &ir) {
  std::string text = ir;
  const std::string marker = "WEIGHTS_OFFSET";
  if (size_t at = text.find(marker); at != std::string::npos)
    text.replace(at, marker.size(), std::to_string(weightsOffset));
  LLVMContext context;
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context);
  ASSERT_TRUE(module) << diagnostic.getMessage().str();
  Error error =
      emitProgram(*module, request.signature, request.target.featureBits, request.weightsSize);
  ASSERT_FALSE(error) << toString(std::move(error));
  object.clear();
  error = compileToObject(*module, request.target, 2, object);
  ASSERT_FALSE(error) << toString(std::move(error));
  request.objects = {object};
  request.weights = {{weightsOffset, sizeof w, [this](WeightsSink sink) {
                        // In two pieces.
                        ArrayRef<char> bytes(reinterpret_cast<const char *>(w.data()), sizeof w);
                        if (Error error = sink(bytes.take_front(5)))
                          return error;
                        return sink(bytes.drop_front(5));
                      }}};
}

std::string ArtifactTest::write(StringRef name) {
  return toString(writeArtifact(request, path(name)));
}

std::string ArtifactTest::read(StringRef name, bool verifyContents) {
  Expected<ArtifactInfo> info = readArtifact(path(name), verifyContents);
  return info ? "" : toString(info.takeError());
}

std::vector<std::string> ArtifactTest::files() const {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string ArtifactTest::runTool(StringRef command) const {
  const std::string line = (MOEC_LLVM_TOOLS_DIR "/" + command + " 2>&1").str();
  FILE *pipe = popen(line.c_str(), "r");
  std::string output;
  for (int c; (c = fgetc(pipe)) != EOF;)
    output += char(c);
  EXPECT_EQ(pclose(pipe), 0) << line << "\n" << output;
  return output;
}

Loaded::Loaded(const std::string &path, const char *weightsFile) {
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    message = dlerror();
    return;
  }
  auto entry = reinterpret_cast<moec_model_v1_fn>(dlsym(library, MOEC_MODEL_SYMBOL));
  if (!entry) {
    message = "no " MOEC_MODEL_SYMBOL;
    return;
  }
  table = entry();
  char text[MOEC_MESSAGE_SIZE];
  moec_load_options options = {sizeof options, weightsFile};
  status = table->load(&options, &model, text, sizeof text);
  message = text;
  if (status == MOEC_OK) {
    moec_session_options sessionOptions = {sizeof sessionOptions, 2, 0, nullptr, nullptr, 0};
    EXPECT_EQ(table->create_session(model, &sessionOptions, &session, text, sizeof text), MOEC_OK)
        << text;
  }
}

Loaded::~Loaded() {
  if (table) {
    table->destroy_session(session);
    table->unload(model);
  }
  if (library)
    dlclose(library);
}

std::vector<float> Loaded::run(int64_t rows) {
  if (!session)
    return {};
  std::vector<float> a(rows * 4, 1), b(rows * 4, 10);
  const moec_tensor inputs[] = {{a.data(), MOEC_CPU, MOEC_FLOAT32, 2, 0, {rows, 4}, nullptr},
                                {b.data(), MOEC_CPU, MOEC_FLOAT32, 2, 0, {rows, 4}, nullptr}};
  moec_tensor output;
  if (table->run(session, inputs, 2, &output, 1, nullptr) != MOEC_OK) {
    message = table->last_error(session);
    return {};
  }
  EXPECT_EQ(output.shape[0], rows);
  EXPECT_EQ(output.shape[1], 4);
  const float *data = static_cast<const float *>(output.data);
  return std::vector<float>(data, data + rows * 4);
}
