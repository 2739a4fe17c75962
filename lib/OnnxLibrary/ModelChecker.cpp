#include "ModelChecker.h"

#include "ModelWalk.h"

#include "onnx/checker.h"

#include <vector>

using namespace moec;
using ::onnx::ModelProto;
using ::onnx::TensorProto;

namespace {

/// For its lifetime, tensors with external data are tensors without elements.
class HiddenExternalData {
public:
  explicit HiddenExternalData(ModelProto &model) {
    forEachTensor(model, [&](TensorProto &tensor) {
      if (tensor.data_location() != TensorProto::EXTERNAL)
        return;
      Hidden &entry = hidden.emplace_back();
      entry.tensor = &tensor;
      entry.dims.Swap(tensor.mutable_dims());
      entry.data.Swap(tensor.mutable_external_data());
      tensor.add_dims(0);
      tensor.clear_data_location();
    });
  }
  ~HiddenExternalData() {
    for (Hidden &entry : hidden) {
      entry.tensor->mutable_dims()->Swap(&entry.dims);
      entry.tensor->mutable_external_data()->Swap(&entry.data);
      entry.tensor->set_data_location(TensorProto::EXTERNAL);
    }
  }
  HiddenExternalData(const HiddenExternalData &) = delete;
  HiddenExternalData &operator=(const HiddenExternalData &) = delete;

private:
  struct Hidden {
    TensorProto *tensor = nullptr;
    google::protobuf::RepeatedField<int64_t> dims;
    google::protobuf::RepeatedPtrField<::onnx::StringStringEntryProto> data;
  };
  std::vector<Hidden> hidden;
};

} // namespace

std::optional<std::string> moec::findFault(ModelProto &model) {
  HiddenExternalData hidden(model);
  try {
    ::onnx::checker::check_model(model, /*full_check=*/false);
    return std::nullopt;
  } catch (const std::exception &finding) {
    std::string text;
    for (llvm::StringRef line = finding.what(); char character : line)
      text += character == '\n' ? ' ' : character;
    while (!text.empty() && text.back() == ' ')
      text.pop_back();
    return text;
  }
}
