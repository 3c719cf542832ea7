# SPDX-License-Identifier: BSD-2-Clause
# What every source is compiled with. assert() stays in: a bug must stop the process.
add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror -Wstrict-prototypes
                    -Wmissing-prototypes -Wformat=2 -Wvla -fno-common)
include_directories(${CMAKE_SOURCE_DIR})

# Each program needs just the libraries that it uses: the dissector is small on purpose.
add_link_options(-Wl,--as-needed)

set(POSTERN_SANITIZE OFF CACHE STRING
    "ON: AddressSanitizer and UndefinedBehaviorSanitizer; thread: ThreadSanitizer")
option(POSTERN_FUZZ "libFuzzer entries (clang)" OFF)

if(POSTERN_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(POSTERN_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # Hundreds of tests are linked with the sanitizers' runtime: gold takes a third of the time. Of
  # clang's it says much that means nothing.
  find_program(POSTERN_GOLD ld.gold)
  if(POSTERN_GOLD AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=gold)
  endif()
endif()

if(POSTERN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  # What a C library or compiler knows no 3 for, it takes for 2. tests/rules/hardened.py looks.
  add_compile_options(-g -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
                      -D_FORTIFY_SOURCE=3)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|i.86")
    add_compile_options(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    add_compile_options(-mbranch-protection=standard)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
  set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
endif()

# postern_room(NAME SOURCES... [USES libraries...]): one static library a room.
function(postern_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
  add_library(postern_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(postern_${name} PUBLIC ${ROOM_USES})
endfunction()

# postern_unit(ROOM FILE [LIBRARY]): tests/unit/ROOM/test_FILE.c as the ctest unit/ROOM/FILE. LIBRARY
# where FILE is not in the room's first one.
function(postern_unit room file)
  set(library ${room} ${ARGN})
  list(GET library -1 library)
  add_executable(test_${room}_${file} test_${file}.c)
  target_link_libraries(test_${room}_${file} PRIVATE postern_${library} PkgConfig::cunit)
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  add_test(NAME ${folder}/${file} COMMAND test_${room}_${file})
  set_tests_properties(${folder}/${file} PROPERTIES LABELS unit)
endfunction()
