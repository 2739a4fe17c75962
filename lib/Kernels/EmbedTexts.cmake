# cmake -DOUTPUT=… -DTEXTS=a.mlir,b.mlir -P EmbedTexts.cmake: a list of {"name", R"(text)"} pairs.
string(REPLACE "," ";" TEXTS "${TEXTS}")
set(content "")
foreach(file IN LISTS TEXTS)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND content "{\"${name}\", R\"mlir(${text})mlir\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${content}")
