// RUN: moec-opt %s --convert-moec-to-llvm --split-input-file --verify-diagnostics

func.func @main() {
  return
}
// expected-error @below {{is a second public function: a model has one entry}}
func.func @other() {
  return
}

// -----

// expected-error @below {{takes 'i1', expected dense buffers}}
func.func @main(%flag: i1) {
  return
}

// -----

// expected-error @below {{gives 'index', expected dense buffers}}
func.func @main(%rows: index) -> index {
  return %rows : index
}
