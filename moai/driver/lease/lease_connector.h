// LeaseConnector: the Connector that ships. A lease from the holder, a socket to each Worker.
#pragma once

#include <string>

#include "moai/driver/driver.h"
#include "moai/driver/lease/connector.h"
#include "moai/driver/lease/lease.h"

namespace moai::driver {

class LeaseConnector final : public Connector {
 public:
  LeaseConnector(const DriverOptions& options, Ended ended);

  Result<Connected> connect(const std::function<bool()>& stopped) override;
  Status lost(size_t rank, const Status& how) override { return lease_.link_lost(rank, how); }
  void give_back() override { lease_.give_back(); }
  void close_copy() override { lease_.close_copy(); }

 private:
  dispatch::Hello hello(const session::Granted& granted, size_t rank) const;

  const std::string command_, torch_version_;
  Lease lease_;
};

}  // namespace moai::driver
