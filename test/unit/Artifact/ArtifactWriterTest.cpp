#include "TestArtifact.h"

#include "../Signals.h"

#include "llvm/Support/MemoryBuffer.h"

#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace moec;
namespace fs = std::filesystem;

static const std::vector<float> oneRow = {11.5f, 12.5f, 13.5f, 14.5f};

static std::string contents(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

TEST_F(ArtifactTest, Runs) {
  ASSERT_EQ(write("model.so"), "");
  EXPECT_EQ(read("model.so"), "");
  EXPECT_EQ(files(), std::vector<std::string>{"model.so"});
  Loaded model(path("model.so"));
  ASSERT_EQ(model.status, MOEC_OK) << model.message;
  EXPECT_EQ(model.run(1), oneRow);
  EXPECT_EQ(model.run(0), std::vector<float>{});
  EXPECT_EQ(model.message, "");
  std::vector<float> large = model.run(1000);
  ASSERT_EQ(large.size(), 4000u);
  for (size_t i = 0; i < large.size(); ++i)
    ASSERT_EQ(large[i], oneRow[i % 4]);
}

TEST_F(ArtifactTest, InfoAndJSON) {
  request.extra["compiler"] = "a test";
  request.extra["inputs"] = "gives way to the signature";
  ASSERT_EQ(write("model.so"), "");
  Expected<ArtifactInfo> read = readArtifact(path("model.so"));
  ASSERT_TRUE(bool(read)) << toString(read.takeError());
  EXPECT_EQ(read->signature.inputs[1].name, "b");
  EXPECT_EQ(read->header.weights_size, 128u);
  EXPECT_EQ(read->header.features, request.target.featureBits);
  EXPECT_EQ(read->fileSize, read->segmentOffset + read->segmentSize);
  EXPECT_EQ(read->segmentOffset % MOEC_SEGMENT_ALIGNMENT, 0u);

  Expected<json::Value> json = json::parse(read->json);
  ASSERT_TRUE(bool(json));
  const json::Object &object = *json->getAsObject();
  EXPECT_EQ(object.getString("compiler"), StringRef("a test"));
  EXPECT_EQ(object.getString("model_sha256")->substr(0, 4), "abab");
  EXPECT_EQ(object.getInteger("weights_size"), 128);
  EXPECT_EQ(object.getObject("target")->getString("cpu"), StringRef(request.target.cpu));

  Loaded model(path("model.so"));
  const moec_model_info &info = *model.table->info();
  EXPECT_EQ(info.json, read->json);
  ASSERT_EQ(info.num_inputs, 2);
  ASSERT_EQ(info.num_outputs, 1);
  ASSERT_EQ(info.num_symbols, 1);
  EXPECT_STREQ(info.inputs[0].name, "a");
  EXPECT_EQ(info.inputs[0].rank, 2);
  EXPECT_EQ(info.inputs[0].shape[0], -1);
  EXPECT_EQ(info.inputs[0].shape[1], 4);
  EXPECT_STREQ(info.outputs[0].name, "sum");
  EXPECT_EQ(info.outputs[0].type, MOEC_FLOAT32);
  EXPECT_STREQ(info.symbols[0], "n");
}

TEST_F(ArtifactTest, WrongCallsAreRefused) {
  ASSERT_EQ(write("model.so"), "");
  Loaded model(path("model.so"));
  float data[4] = {};
  moec_tensor inputs[] = {{data, MOEC_CPU, MOEC_FLOAT32, 2, 0, {1, 4}, nullptr},
                          {data, MOEC_CPU, MOEC_INT8, 2, 0, {1, 4}, nullptr}};
  moec_tensor output;
  EXPECT_EQ(model.table->run(model.session, inputs, 2, &output, 1, nullptr), MOEC_INVALID_ARGUMENT);
  EXPECT_STREQ(model.table->last_error(model.session),
               "input 1 ('b') has type int8 (3), expected float32");
  EXPECT_EQ(model.table->run(nullptr, inputs, 2, &output, 1, nullptr), MOEC_INVALID_ARGUMENT);
  char text[16];
  EXPECT_EQ(model.table->load(nullptr, nullptr, text, sizeof text), MOEC_INVALID_ARGUMENT);
  EXPECT_STREQ(text, "no place for th"); // cut off at the buffer's size
  moec_session_options options = {sizeof options, -1, 0, nullptr, nullptr, 0};
  moec_session *session;
  EXPECT_EQ(model.table->create_session(model.model, &options, &session, nullptr, 0),
            MOEC_INVALID_ARGUMENT);
}

// All that a machine must have to load a model: the C library.
TEST_F(ArtifactTest, ExportsOneSymbolAndNeedsOnlyTheCLibrary) {
  ASSERT_EQ(write("model.so"), "");
  std::string exported =
      runTool("llvm-nm -D --defined-only --format=just-symbols " + path("model.so"));
  EXPECT_EQ(exported, "moec_model_v1\n");
  SmallVector<StringRef> lines;
  std::string undefined =
      runTool("llvm-nm -D --undefined-only --format=just-symbols " + path("model.so"));
  StringRef(undefined).split(lines, '\n', -1, false);
  EXPECT_FALSE(lines.empty());
  for (StringRef line : lines)
    EXPECT_TRUE(line.contains("@GLIBC_")) << line.str();
  std::string dynamic = runTool("llvm-readelf -d " + path("model.so"));
  lines.clear();
  StringRef(dynamic).split(lines, '\n');
  for (StringRef line : lines)
    if (line.contains("NEEDED"))
      EXPECT_TRUE(line.contains("[libc.so.6]") || line.contains("[libm.so.6]")) << line.str();
  EXPECT_NE(dynamic.find("NOW"), std::string::npos);
  EXPECT_EQ(dynamic.find("TEXTREL"), std::string::npos);
  std::string programs = runTool("llvm-readelf -lW " + path("model.so"));
  EXPECT_NE(programs.find("GNU_RELRO"), std::string::npos);
  EXPECT_NE(programs.find("GNU_STACK"), std::string::npos);
  EXPECT_EQ(programs.find("RWE"), std::string::npos);
}

TEST_F(ArtifactTest, SurvivesLLVMStrip) {
  ASSERT_EQ(write("model.so"), "");
  runTool("llvm-strip " + path("model.so"));
  EXPECT_EQ(read("model.so"), "");
  Loaded model(path("model.so"));
  ASSERT_EQ(model.status, MOEC_OK) << model.message;
  EXPECT_EQ(model.run(1), oneRow);
}

TEST_F(ArtifactTest, TwoModelsInOneProcess) {
  ASSERT_EQ(write("first.so"), "");
  w = {-11, -11, -11, -11};
  ASSERT_EQ(write("second.so"), "");
  Loaded first(path("first.so")), second(path("second.so"));
  EXPECT_EQ(first.run(1), oneRow);
  EXPECT_EQ(second.run(1), std::vector<float>(4, 0));
}

TEST_F(ArtifactTest, SameBytesEachTime) {
  ASSERT_EQ(write("one.so"), "");
  fs::create_directory(path("other"));
  ASSERT_EQ(write("other/two.so"), "");
  ASSERT_EQ(write("one.so"), ""); // replaced
  EXPECT_EQ(contents(path("one.so")), contents(path("other/two.so")));
}

// 2.5 GB of weights, nearly all of them zeros, on a file with holes. Neither writing nor loading
// may take time or space for them; the floats at the end are behind what 32 bits can address.
TEST_F(ArtifactTest, WeightsOverTwoGigabytes) {
  request.weightsSize = UINT64_C(5) << 29;
  weightsOffset = request.weightsSize - 4096;
  compile(addModel);
  const uint64_t middle = (UINT64_C(1) << 30) + 12345;
  request.weights.push_back({middle, UINT64_C(1) << 30, [](WeightsSink sink) -> Error {
                               const std::vector<char> zeros(1 << 24);
                               for (int i = 0; i < 64; ++i)
                                 if (Error error = sink(zeros))
                                   return error;
                               return Error::success();
                             }});
  ASSERT_EQ(write("model.so"), "");
  EXPECT_EQ(read("model.so"), "");
  struct stat status;
  ASSERT_EQ(stat(path("model.so").c_str(), &status), 0);
  EXPECT_GT(uint64_t(status.st_size), request.weightsSize);
  EXPECT_LT(status.st_blocks * 512, 8 << 20);
  Loaded model(path("model.so"));
  ASSERT_EQ(model.status, MOEC_OK) << model.message;
  EXPECT_EQ(model.run(1), oneRow);
}

TEST_F(ArtifactTest, WithoutWeights) {
  request.weightsSize = 0;
  compile("define hidden void @moec_entry(ptr %c, ptr %i, ptr %o) { ret void }");
  request.weights.clear();
  ASSERT_EQ(write("model.so"), "");
  EXPECT_EQ(read("model.so"), "");
  EXPECT_EQ(Loaded(path("model.so")).status, MOEC_OK);
}

TEST_F(ArtifactTest, WeightsBeside) {
  request.weightsFile = "model.weights";
  ASSERT_EQ(write("model.so"), "");
  EXPECT_EQ(files(), (std::vector<std::string>{"model.so", "model.weights"}));
  EXPECT_EQ(read("model.so"), "");
  {
    Loaded model(path("model.so"));
    ASSERT_EQ(model.status, MOEC_OK) << model.message;
    EXPECT_EQ(model.run(1), oneRow);
  }
  fs::rename(path("model.weights"), path("moved"));
  EXPECT_EQ(Loaded(path("model.so")).message, "cannot open the weights file '" +
                                                  path("model.weights") +
                                                  "': No such file or directory");
  EXPECT_EQ(read("model.so", false), "");
  EXPECT_NE(read("model.so").find("weights file"), std::string::npos);
  {
    Loaded model(path("model.so"), path("moved").c_str());
    ASSERT_EQ(model.status, MOEC_OK) << model.message;
    EXPECT_EQ(model.run(1), oneRow);
  }
  // Somebody else's, one cut off, one damaged, none at all.
  w[0] = 7;
  ASSERT_EQ(write("other.so"), "");
  EXPECT_EQ(Loaded(path("other.so"), path("moved").c_str()).message,
            "the weights file '" + path("moved") + "' belongs to another model");
  fs::resize_file(path("moved"), 4100);
  EXPECT_EQ(Loaded(path("model.so"), path("moved").c_str()).message,
            "the weights file '" + path("moved") + "' was cut off");
  fs::resize_file(path("moved"), 100);
  EXPECT_EQ(Loaded(path("model.so"), path("moved").c_str()).message,
            "'" + path("moved") + "' is not a weights file");
  EXPECT_EQ(Loaded(path("model.so"), path("model.so").c_str()).message,
            "'" + path("model.so") + "' is not a weights file");
}

TEST_F(ArtifactTest, WrongWeights) {
  auto fill = [](uint64_t count) {
    return [count](WeightsSink sink) { return sink(std::vector<char>(count, 1)); };
  };
  request.weights = {{0, 64, fill(64)}, {32, 64, fill(64)}};
  EXPECT_EQ(write("model.so"), "weights: the entry at offset 32 overlaps the one before");
  request.weights = {{64, 65, fill(65)}};
  EXPECT_EQ(write("model.so"), "weights: the entry at offset 64 ends behind the end");
  request.weights = {{UINT64_MAX, 2, fill(2)}};
  EXPECT_EQ(write("model.so"),
            "weights: the entry at offset 18446744073709551615 ends behind the end");
  request.weights = {{0, 64, fill(63)}};
  EXPECT_EQ(write("model.so"), "weights: 63 of 64 bytes for the entry at offset 0");
  request.weights = {{0, 64, fill(65)}};
  EXPECT_EQ(write("model.so"), "weights: more than 64 bytes for the entry at offset 0");
  request.weights = {{0, 64, [](WeightsSink) { return createStringError("the disk is gone"); }}};
  EXPECT_EQ(write("model.so"), "the disk is gone");
  EXPECT_EQ(files(), std::vector<std::string>{});
  request.weightsFile = "../weights";
  EXPECT_EQ(write("model.so"),
            "the weights file '../weights' is not a base name of at most 255 bytes");
  request.weightsFile = "model.so";
  EXPECT_NE(write("model.so").find("the same file"), std::string::npos);
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(ArtifactTest, ReplacesOnlyRegularFiles) {
  fs::create_directory(path("folder"));
  EXPECT_EQ(write("folder"), "refusing to replace '" + path("folder") + "': it is a directory");
  fs::create_symlink("elsewhere", path("link"));
  EXPECT_EQ(write("link"), "refusing to replace '" + path("link") + "': it is a symbolic link");
  EXPECT_FALSE(fs::exists(path("elsewhere")));
  EXPECT_EQ(write("nowhere/model.so"),
            "cannot write '" + path("nowhere/model.so") + "': No such file or directory");
}

TEST_F(ArtifactTest, FailureKeepsTheOldFile) {
  ASSERT_EQ(write("model.so"), "");
  const std::string before = contents(path("model.so"));
  request.weights[0].write = [](WeightsSink) { return createStringError("no"); };
  EXPECT_EQ(write("model.so"), "no");
  EXPECT_EQ(contents(path("model.so")), before);
  EXPECT_EQ(files(), std::vector<std::string>{"model.so"});
}

// Killed in the middle of the weights, by signals that can be handled and one that cannot.
TEST_F(ArtifactTest, KilledLeavesNothing) {
  for (int signal : {SIGINT, SIGTERM, SIGKILL}) {
    if (isIgnored(signal))
      continue;
    pid_t child = fork();
    if (child == 0) {
      request.weights[0].write = [signal](WeightsSink sink) {
        Error error = sink(std::vector<char>(8, 1));
        raise(signal);
        return error;
      };
      write("model.so");
      _exit(0);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    EXPECT_EQ(files(), std::vector<std::string>{});
  }
}

TEST_F(ArtifactTest, LinkErrors) {
  request.link.linker = path("no-linker");
  EXPECT_NE(write("model.so").find("linking with '" + path("no-linker") + "' failed"),
            std::string::npos);
  request.link.linker.clear();
  request.link.runtime = path("no-runtime.a");
  EXPECT_EQ(write("model.so"), "cannot find the runtime library '" + path("no-runtime.a") + "'");
  request.link.runtime = MOEC_RT_LIBRARY;
  compile("declare void @nobody_has_this()\n"
          "define hidden void @moec_entry(ptr %c, ptr %i, ptr %o) {\n"
          "  call void @nobody_has_this()\n  ret void\n}");
  std::string message = write("model.so");
  EXPECT_NE(message.find("undefined symbol: nobody_has_this"), std::string::npos) << message;
  EXPECT_NE(message.find("<generated code>"), std::string::npos) << message;
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(ArtifactTest, UnsupportedCpu) {
  request.target.featureBits |= UINT64_C(1) << 60;
  compile("define hidden void @moec_entry(ptr %c, ptr %i, ptr %o) { ret void }");
  request.weights.clear();
  ASSERT_EQ(write("model.so"), "");
  Loaded model(path("model.so"));
  EXPECT_EQ(model.status, MOEC_UNSUPPORTED_CPU);
  EXPECT_NE(model.message.find("the model needs CPU features that this machine lacks"),
            std::string::npos);
}

// The program that the README shows, on a model whose next token is the last one plus 3, modulo 8.
TEST_F(ArtifactTest, ExampleInC) {
  request.signature.symbols = {"batch", "sequence"};
  request.signature.inputs = {{"input_ids", MOEC_INT64, {-1, -2}}};
  request.signature.outputs = {{"logits", MOEC_FLOAT32, {-1, -2, 8}}};
  compile(R"(
declare ptr @moec_rt_alloc(ptr, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define hidden void @moec_entry(ptr %context, ptr %inputs, ptr %outputs) {
  %shape = getelementptr i8, ptr %inputs, i64 16
  %length = load i64, ptr %shape
  %bytes = shl i64 %length, 5
  %logits = call ptr @moec_rt_alloc(ptr %context, i64 %bytes)
  call void @llvm.memset.p0.i64(ptr %logits, i8 0, i64 %bytes, i1 false)
  %ids = load ptr, ptr %inputs
  %last = sub i64 %length, 1
  %id.slot = getelementptr i64, ptr %ids, i64 %last
  %id = load i64, ptr %id.slot
  %id3 = add i64 %id, 3
  %next = and i64 %id3, 7
  %slot = getelementptr [8 x float], ptr %logits, i64 %last, i64 %next
  store float 1.0, ptr %slot
  store ptr %logits, ptr %outputs
  %batch = getelementptr i8, ptr %outputs, i64 8
  store i64 1, ptr %batch
  %sequence = getelementptr i8, ptr %outputs, i64 16
  store i64 %length, ptr %sequence
  %vocabulary = getelementptr i8, ptr %outputs, i64 24
  store i64 8, ptr %vocabulary
  ret void
}
)");
  ASSERT_EQ(write("model.so"), "");
  const std::string example = path("example");
  runTool("clang -std=c11 -Wall -Wextra -Werror -I" MOEC_SOURCE_DIR
          "/runtime/include " MOEC_SOURCE_DIR "/test/runtime/example.c -o " +
          example + " -ldl");
  FILE *pipe = popen((example + " " + path("model.so") + " 1 2 6").c_str(), "r");
  char line[100] = "";
  EXPECT_NE(fgets(line, sizeof line, pipe), nullptr);
  EXPECT_STREQ(line, "1\n");
  EXPECT_EQ(pclose(pipe), 0);
}

// What the C library does not have: conversions for CPUs without F16C and AVX512-BF16.
TEST_F(ArtifactTest, HalfPrecisionOnOldCpus) {
  request.target = cantFail(CpuTarget::parse("x86-64"));
  compile(R"(
declare ptr @moec_rt_alloc(ptr, i64)
define hidden void @moec_entry(ptr %context, ptr %inputs, ptr %outputs) {
  %out = call ptr @moec_rt_alloc(ptr %context, i64 16)
  %in = load ptr, ptr %inputs
  %x = load volatile float, ptr %in
  %third = fdiv float %x, 3.0
  %h = fptrunc float %third to half
  %h.wide = fpext half %h to float
  store float %h.wide, ptr %out
  %b = fptrunc float %third to bfloat
  %b.wide = fpext bfloat %b to float
  %out1 = getelementptr float, ptr %out, i64 1
  store float %b.wide, ptr %out1
  %double = fpext float %third to double
  %hd = fptrunc double %double to half
  %hd.wide = fpext half %hd to float
  %out2 = getelementptr float, ptr %out, i64 2
  store float %hd.wide, ptr %out2
  %bd = fptrunc double %double to bfloat
  %bd.wide = fpext bfloat %bd to float
  %out3 = getelementptr float, ptr %out, i64 3
  store float %bd.wide, ptr %out3
  store ptr %out, ptr %outputs
  %rows = getelementptr i8, ptr %outputs, i64 8
  store i64 1, ptr %rows
  %columns = getelementptr i8, ptr %outputs, i64 16
  store i64 4, ptr %columns
  ret void
}
)");
  ASSERT_EQ(write("model.so"), "");
  Loaded model(path("model.so"));
  ASSERT_EQ(model.status, MOEC_OK) << model.message;
  const float half = 0x1.554p-2f, bfloat = 0x1.56p-2f;
  EXPECT_EQ(model.run(1), (std::vector<float>{half, bfloat, half, bfloat}));
}
