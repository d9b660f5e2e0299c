#pragma once

/// SLUICE_API marks what the library exports. The library is compiled with hidden visibility, so a
/// function or class of a public header that is defined in a source file needs the mark: without it
/// the shared library does not offer it, and whoever uses it does not link. A class is marked as a
/// whole. Templates, inline functions and constants need none.
///
/// SLUICE_STATIC is defined by the package of the static library (sluice::runtime and sluice.pc):
/// there is nothing to export then, and a shared object that the static library is linked into does
/// not offer our symbols as its own.
#if defined(SLUICE_STATIC)
#define SLUICE_API
#else
#define SLUICE_API [[gnu::visibility("default")]]
#endif
