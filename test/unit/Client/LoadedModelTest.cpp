//===- LoadedModelTest.cpp - Loading and calling compiled models
//-----------------------------------===//
//
// The models are hand-written (test/tools/moec/Inputs).
//
//===----------------------------------------------------------------------------------------------===//
#include "moec/Client/LoadedModel.h"

#include "moec/Client/CausalLm.h"
#include "moec/Client/Generate.h"
#include "moec/Client/Tensors.h"
#include "test/unit/Errors.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace moec;

namespace {

TEST(LoadedModel, runs) {
  Expected<LoadedModel> model = LoadedModel::load(MOEC_TEST_TWICE);
  ASSERT_EQ(errorOf(model), "");
  EXPECT_EQ(describeShape(model->info().inputs[0], model->info()), "[n, 3]");
  EXPECT_EQ(findInput(model->info(), "ids"), 1);
  EXPECT_EQ(findOutput(model->info(), "ids"), std::nullopt);

  Expected<Session> session = model->createSession(1);
  ASSERT_EQ(errorOf(session), "");
  std::vector<float> x = {1, 2, 3, 4, 5, 6};
  std::vector<int64_t> ids = {7, 8};
  moec_tensor inputs[] = {makeTensor(x.data(), MOEC_FLOAT32, {2, 3}),
                          makeTensor(ids.data(), MOEC_INT64, {2})};
  Expected<ArrayRef<moec_tensor>> outputs = session->run(inputs);
  ASSERT_EQ(errorOf(outputs), "");
  EXPECT_EQ(shapeOf((*outputs)[0]), (ArrayRef<int64_t>{2, 3}));
  EXPECT_EQ(static_cast<float *>((*outputs)[0].data)[5], 12);
  EXPECT_EQ(static_cast<int64_t *>((*outputs)[1].data)[1], 9);
}

TEST(LoadedModel, passesOnErrors) {
  Expected<LoadedModel> model = LoadedModel::load(MOEC_TEST_TWICE);
  ASSERT_EQ(errorOf(model), "");
  Expected<Session> session = model->createSession(1);
  ASSERT_EQ(errorOf(session), "");
  float x[3] = {};
  int64_t ids[] = {-3};
  moec_tensor inputs[] = {makeTensor(x, MOEC_FLOAT32, {1, 3}), makeTensor(ids, MOEC_INT64, {1})};
  EXPECT_EQ(errorOf(session->run(inputs)), "id -3 is negative");
  EXPECT_EQ(errorOf(session->run(ArrayRef(inputs).take_front(1))), "invalid argument");
  ids[0] = 1;
  EXPECT_EQ(errorOf(session->run(inputs)), "");
}

TEST(LoadedModel, refusesOtherFiles) {
  EXPECT_EQ(errorOf(LoadedModel::load(MOEC_TEST_TWICE_ABI_7)),
            MOEC_TEST_TWICE_ABI_7 ": made for version 7." + std::to_string(MOEC_ABI_MINOR) +
                " of the model interface, this program speaks " + std::to_string(MOEC_ABI_MAJOR) +
                "." + std::to_string(MOEC_ABI_MINOR));
  EXPECT_EQ(errorOf(LoadedModel::load("/nowhere.so")), "/nowhere.so: no such file");
  std::string error = errorOf(LoadedModel::load(MOEC_TEST_DIR "/CMakeLists.txt"));
  EXPECT_EQ(error, MOEC_TEST_DIR "/CMakeLists.txt: not a compiled model: invalid ELF header");
}

class CausalLmTest : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    Expected<LoadedModel> loaded = LoadedModel::load(GetParam());
    ASSERT_EQ(errorOf(loaded), "");
    model.emplace(std::move(*loaded));
  }

  Expected<CausalLm> languageModel() { return CausalLm::create(cantFail(model->createSession(1))); }

  std::optional<LoadedModel> model;
};

/// Greedy tokens of the fake model: the sum of all so far modulo 16.
std::vector<int64_t> continuation(std::vector<int64_t> tokens, int64_t count) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < count; ++i) {
    int64_t sum = 0;
    for (int64_t token : tokens)
      sum += token;
    tokens.push_back(sum % 16);
    result.push_back(sum % 16);
  }
  return result;
}

TEST_P(CausalLmTest, generatesWithAndWithoutCache) {
  Expected<CausalLm> lm = languageModel();
  ASSERT_EQ(errorOf(lm), "");
  Sampler sampler({});
  std::vector<int64_t> found;
  auto take = [&](int64_t token) {
    found.push_back(token);
    return found.size() < 9;
  };
  ASSERT_EQ(errorOf(generate(*lm, {3, 9, 1}, 100, sampler, take)), "");
  EXPECT_EQ(found, continuation({3, 9, 1}, 9));
}

TEST_P(CausalLmTest, startsAnewUnlessTheCacheIsKept) {
  Expected<CausalLm> lm = languageModel();
  ASSERT_EQ(errorOf(lm), "");
  std::vector<float> scratch;
  for (int call = 0; call < 2; ++call) {
    Expected<Logits> logits = lm->run({1, 2, 3, 4}, /*batch=*/2);
    ASSERT_EQ(errorOf(logits), "");
    EXPECT_EQ(logits->batch, 2);
    EXPECT_EQ(logits->length, 2);
    EXPECT_EQ(logits->vocabulary, 16);
    EXPECT_EQ(logits->at(0, 1, scratch)[3], 4);
    EXPECT_EQ(logits->at(1, 1, scratch)[7], 4);
  }
}

std::string modelName(const ::testing::TestParamInfo<const char *> &info) {
  const char *names[] = {"plain", "cache", "cacheOfOtherName"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Models, CausalLmTest,
                         ::testing::Values(MOEC_TEST_FAKE_LM, MOEC_TEST_FAKE_LM_PAST,
                                           MOEC_TEST_FAKE_LM_INPUT_PAST),
                         modelName);

TEST(CausalLm, refusesOtherModels) {
  Expected<LoadedModel> model = LoadedModel::load(MOEC_TEST_TWICE);
  ASSERT_EQ(errorOf(model), "");
  EXPECT_EQ(errorOf(CausalLm::create(cantFail(model->createSession(1)))),
            "not used as a language model: input 'x' (float32[n, 3]) is neither tokens, mask, "
            "positions nor cache");

  Expected<LoadedModel> lost = LoadedModel::load(MOEC_TEST_FAKE_LM_LOST);
  ASSERT_EQ(errorOf(lost), "");
  EXPECT_EQ(errorOf(CausalLm::create(cantFail(lost->createSession(1)))),
            "no output goes with the cache input 'past.0.key', as present… does with past…");
}

TEST(Sampler, takesTheLikeliestByDefault) {
  Sampler sampler({});
  EXPECT_EQ(sampler.choose({1, 3, 2}), 1);
  EXPECT_EQ(sampler.choose({3, 1, 3}), 0);
}

TEST(Sampler, followsTheDistribution) {
  // Odds 1 : 3 : 9 after the temperature; the last candidate is cut off.
  float log3 = std::log(3.0f);
  std::vector<float> logits = {2 * 1 * log3, 2 * 2 * log3, 2 * 3 * log3, 0};
  Sampler sampler({/*temperature=*/2, /*topK=*/3, /*seed=*/1});
  std::vector<int> counts(4);
  constexpr int trials = 13000;
  for (int i = 0; i < trials; ++i)
    ++counts[sampler.choose(logits)];
  // Five standard deviations of a binomial are below 0.02 of the trials.
  EXPECT_NEAR(counts[0], trials / 13, 0.02 * trials);
  EXPECT_NEAR(counts[1], trials * 3 / 13, 0.02 * trials);
  EXPECT_NEAR(counts[2], trials * 9 / 13, 0.025 * trials);
  EXPECT_EQ(counts[3], 0);
}

TEST(Sampler, repeatsWithASeed) {
  std::vector<float> logits(100, 0);
  Sampler first({1, 0, 7}), second({1, 0, 7}), other({1, 0, 8});
  int same = 0;
  for (int i = 0; i < 50; ++i) {
    int64_t token = first.choose(logits);
    EXPECT_EQ(token, second.choose(logits));
    same += token == other.choose(logits);
  }
  EXPECT_LT(same, 10);
}

} // namespace
