// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file request_process.hpp
/// A process of a job that serves requests instead of walking an op graph: what results need of it.

#include <vector>

#include "models/host_services.hpp"
#include "models/records.hpp"

namespace plait {

class RequestProcess : public RankProcess {
 public:
  /// How its time went; what has not finished is accounted up to `cut`.
  virtual RankRecord record_until(SimTime cut) const = 0;
  /// Adds what this process knows of the job's requests. @param requests by id, from the job's
  /// processes in rank order; the first call gets it empty.
  virtual void collect(std::vector<RequestRecord>& requests) const = 0;
  /// Of the job's requests, those that ended at this process.
  virtual std::uint64_t requests_ended() const = 0;
};

}  // namespace plait
