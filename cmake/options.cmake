# Compiler settings shared by every target.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# -O2 and not -O3 or -march=native: measured on the engine, the others gain nothing, and the same
# binary must give the same bytes on every x86-64 machine. No fused multiply-add: it would make
# floating-point results depend on the target.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

# Lets the compiler fetch memory for writing where it is told so. 64-bit processors without the
# instruction skip it.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mprfchw PLAIT_HAS_PREFETCH_FOR_WRITING)

add_library(plait_options INTERFACE)
target_compile_options(plait_options INTERFACE
  $<$<BOOL:${PLAIT_HAS_PREFETCH_FOR_WRITING}>:-mprfchw>
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -ffp-contract=off
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)  # messages of faults name files from the root
target_include_directories(plait_options INTERFACE ${PROJECT_SOURCE_DIR})

if(PLAIT_SANITIZE)
  target_compile_options(plait_options INTERFACE
    -fsanitize=${PLAIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(plait_options INTERFACE -fsanitize=${PLAIT_SANITIZE})
endif()

# plait_library(NAME sources...): a static library of one folder.
function(plait_library name)
  add_library(plait_${name} STATIC ${ARGN})
  target_link_libraries(plait_${name} PUBLIC plait_options)
endfunction()
