//===- Generate.cpp - moec generate
//----------------------------------------------------------------===//
#include "moec/Client/Generate.h"
#include "moec/Client/Tokenizer.h"
#include "tools/moec/Commands.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace llvm;

namespace moec::cli {

Error runGenerate(Arguments &arguments) {
  constexpr int64_t many = std::numeric_limits<int32_t>::max();
  std::string tokenizerPath = arguments.required(OPT_tokenizer);
  std::string prompt = arguments.required(OPT_prompt);
  int64_t maxTokens = arguments.integer(OPT_tokens, 64, 1, many);
  SamplingOptions sampling;
  int64_t contextSize = arguments.integer(OPT_context_size, 0, 0, int64_t(1) << 40);
  sampling.temperature = arguments.number(OPT_temperature, 0, /*min=*/0);
  sampling.topK = arguments.integer(OPT_top_k, 0, 0, many);
  sampling.seed = arguments.integer(OPT_seed, 0, 0, std::numeric_limits<int64_t>::max());
  arguments.needs(OPT_top_k, OPT_temperature);
  arguments.needs(OPT_seed, OPT_temperature);
  int32_t threads = threadsOf(arguments);
  if (Error error = arguments.takeError())
    return error;

  if (prompt == "-") {
    ErrorOr<std::unique_ptr<MemoryBuffer>> input = MemoryBuffer::getSTDIN();
    if (!input)
      return createStringError("standard input: " + input.getError().message());
    prompt = (*input)->getBuffer();
  }
  Expected<Tokenizer> tokenizer = Tokenizer::fromFile(tokenizerPath);
  if (!tokenizer)
    return tokenizer.takeError();
  Expected<std::vector<int64_t>> tokens = tokenizer->encode(prompt);
  if (!tokens)
    return tokens.takeError();

  Expected<LoadedModel> model = loadModel(arguments);
  if (!model)
    return model.takeError();
  Expected<Session> session = model->createSession(threads, contextSize);
  if (!session)
    return session.takeError();
  Expected<CausalLm> languageModel = CausalLm::create(std::move(*session));
  if (!languageModel)
    return languageModel.takeError();

  Sampler sampler(sampling);
  // Bytes as they come: a character that is spread over tokens is whole once the last is out.
  auto print = [&](int64_t token) {
    if (tokenizer->isSpecial(token))
      return false;
    outs() << tokenizer->decode(token);
    outs().flush();
    return !outs().has_error();
  };
  if (Error error = generate(*languageModel, *tokens, maxTokens, sampler, print))
    return error;
  outs() << '\n';
  return Error::success();
}

} // namespace moec::cli
