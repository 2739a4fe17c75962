// Running ld.lld.
#ifndef MOEC_LIB_ARTIFACT_LINKER_H
#define MOEC_LIB_ARTIFACT_LINKER_H

#include "moec/Artifact/Artifact.h"

namespace moec {

/// Links object files and the runtime into the image of a shared object that exports moec_model_v1
/// and needs libc and libm. All files in between are in memory.
llvm::Expected<std::vector<char>> linkImage(llvm::ArrayRef<llvm::ArrayRef<char>> objects,
                                            const LinkOptions &options);

} // namespace moec

#endif // MOEC_LIB_ARTIFACT_LINKER_H
