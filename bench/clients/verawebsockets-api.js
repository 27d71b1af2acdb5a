'use strict';

// The same library by its documented functions.

const vera = require('../..');

module.exports = {
  connect(url, { caFile }, { open, message, fail }) {
    const wso = vera.create({
      url,
      ssl_settings: caFile ? { client_ssl_ca_filepath: caFile } : undefined,
      event_handlers: {
        [vera.EVENTS.CLIENT_CONNECTION_ERROR]: (reason, error) => fail(error),
        [vera.EVENTS.CLIENT_ESTABLISHED]: open,
        [vera.EVENTS.CLIENT_RECEIVE]: message,
      },
    });
    vera.connect(wso);
    return { send: (data) => vera.send(wso, data), terminate: () => vera.close(wso) };
  },
};
