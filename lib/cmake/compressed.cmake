# sluice_install_compressed(<component> <file> <name.gz> <folder>)
#
# Installs a file as Debian wants documentation: compressed, with no time and no name inside, so that
# it is the same each time it is made.
find_program(SLUICE_GZIP gzip REQUIRED)
function(sluice_install_compressed component file name folder)
  set(compressed ${CMAKE_BINARY_DIR}/compressed/${component}/${name})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/compressed/${component})
  add_custom_command(OUTPUT ${compressed}
    COMMAND ${SLUICE_GZIP} -9n < ${file} > ${compressed}
    DEPENDS ${file}
    VERBATIM)
  string(MAKE_C_IDENTIFIER "compressed_${component}_${name}" target)
  add_custom_target(${target} ALL DEPENDS ${compressed})
  install(FILES ${compressed} DESTINATION ${folder} COMPONENT ${component})
endfunction()
