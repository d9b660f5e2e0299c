#pragma once

/// All operations as values; see request.hpp.

#include <sluice/file_requests.hpp>
#include <sluice/path_requests.hpp>
#include <sluice/request.hpp>
#include <sluice/socket_requests.hpp>
