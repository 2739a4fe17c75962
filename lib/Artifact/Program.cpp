// The constant through which the runtime sees a model. The types here are those of
// moec_rt/kernel_abi.h and moec_rt/model.h, member for member.

#include "moec/Artifact/Codegen.h"
#include "moec/Artifact/Signature.h"

#include "moec_rt/kernel_abi.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace moec {

namespace {

// An LLVM struct that is not packed is laid out as C's; what could differ is the order of members.
static_assert(sizeof(moec_tensor_info) == 24 && offsetof(moec_tensor_info, shape) == 16);
static_assert(sizeof(moec_state_info) == 40 && offsetof(moec_state_info, shape) == 24);
static_assert(sizeof(moec_model_info) == 64 && offsetof(moec_model_info, inputs) == 16 &&
              offsetof(moec_model_info, states) == 48);
static_assert(sizeof(moec_rt_program) == 96 && offsetof(moec_rt_program, entry) == 24 &&
              offsetof(moec_rt_program, info) == 32);

class ProgramBuilder {
public:
  ProgramBuilder(Module &module, const Signature &signature)
      : module(module), signature(signature), context(module.getContext()),
        pointerType(PointerType::getUnqual(context)) {}

  Constant *info() {
    return structure({int32(signature.inputs.size()), int32(signature.outputs.size()),
                      int32(signature.symbols.size()), int32(signature.states.size()),
                      tensors(signature.inputs), tensors(signature.outputs), symbols(), null(),
                      states(), int64(signature.stateCapacity)});
  }

  void program(uint64_t featureBits, uint64_t weightsSize, StringRef entryName) {
    auto *entryType =
        FunctionType::get(Type::getVoidTy(context), {pointerType, pointerType, pointerType}, false);
    Constant *entry = cast<Constant>(module.getOrInsertFunction(entryName, entryType).getCallee());
    if (auto *function = dyn_cast<Function>(entry); function && function->isDeclaration())
      function->setVisibility(GlobalValue::HiddenVisibility);
    Constant *value = structure(
        {int64(MOEC_RT_PROGRAM_VERSION), int64(featureBits), int64(weightsSize), entry, info()});
    auto *program =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           GlobalValue::ExternalLinkage, value, "moec_rt_model_program");
    program->setVisibility(GlobalValue::HiddenVisibility);
  }

private:
  Constant *int32(uint64_t value) { return ConstantInt::get(Type::getInt32Ty(context), value); }
  Constant *int64(uint64_t value) { return ConstantInt::get(Type::getInt64Ty(context), value); }
  Constant *null() { return ConstantPointerNull::get(pointerType); }
  Constant *structure(ArrayRef<Constant *> members) { return ConstantStruct::getAnon(members); }

  Constant *global(Constant *value) {
    auto *variable = new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                        GlobalValue::PrivateLinkage, value, "moec.info");
    return variable;
  }

  Constant *text(StringRef string) {
    auto *variable = cast<GlobalVariable>(global(ConstantDataArray::getString(context, string)));
    variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return variable;
  }

  /// A pointer to an array in memory; null for none.
  Constant *array(Type *type, ArrayRef<Constant *> elements) {
    if (elements.empty())
      return null();
    return global(ConstantArray::get(ArrayType::get(type, elements.size()), elements));
  }

  Constant *shape(const TensorSignature &tensor) {
    SmallVector<Constant *> sizes;
    for (int64_t size : tensor.shape)
      sizes.push_back(int64(size));
    return array(Type::getInt64Ty(context), sizes);
  }

  Constant *states() {
    SmallVector<Constant *> elements;
    for (const StateSignature &state : signature.states)
      elements.push_back(structure({text(state.name), text(state.output), int32(state.type),
                                    int32(state.shape.size()), shape(state), int64(state.axis)}));
    return elements.empty() ? null() : array(elements.front()->getType(), elements);
  }

  Constant *tensors(ArrayRef<TensorSignature> tensors) {
    SmallVector<Constant *> elements;
    for (const TensorSignature &tensor : tensors)
      elements.push_back(structure(
          {text(tensor.name), int32(tensor.type), int32(tensor.shape.size()), shape(tensor)}));
    return elements.empty() ? null() : array(elements.front()->getType(), elements);
  }

  Constant *symbols() {
    SmallVector<Constant *> names;
    for (const std::string &symbol : signature.symbols)
      names.push_back(text(symbol));
    return array(pointerType, names);
  }

  Module &module;
  const Signature &signature;
  LLVMContext &context;
  PointerType *pointerType;
};

} // namespace

Error emitProgram(Module &module, const Signature &signature, uint64_t featureBits,
                  uint64_t weightsSize, StringRef entryName) {
  if (Error error = signature.verify())
    return error;
  if (module.getNamedValue("moec_rt_model_program"))
    return createStringError("the module has a moec_rt_model_program already");
  ProgramBuilder(module, signature).program(featureBits, weightsSize, entryName);
  return Error::success();
}

} // namespace moec
