# Writes OUT: a C++ file whose FoldCode() is the SHA-256 of all code that judges and folds, and of the
# messages it works on, below ROOT. A stored fold names it, so that no change of code, however small,
# can go on from what another program folded.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/custody/*.cc ${ROOT}/custody/*.h
  ${ROOT}/proto/custody/v1/*.proto)
list(SORT files)
set(lines "")
foreach(file IN LISTS files)
  file(SHA256 ${ROOT}/${file} digest)
  string(APPEND lines "${digest}  ${file}\n")
endforeach()
string(SHA256 code "${lines}")
file(WRITE ${OUT} "// Made by custody/fold_code.cmake.
#include \"custody/therapy.h\"

namespace custody {

std::string_view FoldCode() { return \"${code}\"; }

}  // namespace custody
")
