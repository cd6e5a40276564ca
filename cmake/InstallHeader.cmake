# headlight_install_header(FROM TO): copies a header of src/ so that its includes of its neighbours
# ("core/tensor.h") name them as an installed program must ("headlight/core/tensor.h").
function(headlight_install_header from to)
  file(READ ${from} text)
  string(REGEX REPLACE "#include \"(core|io|kernels|model)/" "#include \"headlight/\\1/" text "${text}")
  file(WRITE ${to} "${text}")
endfunction()
