'use strict';

// The example of the documentation: a standalone program that says hello to a server over TLS, with a client
// certificate. Its server is started first, and the certificates are made.
//
//   npm run demo

const { fork } = require('node:child_process');
const path = require('node:path');
const verawebsockets = require('verawebsockets');

function example(url, certificates) {
  verawebsockets.set_log_level(3); // errors and warnings

  const wso = verawebsockets.create({
    url,
    event_handlers: {
      1: (reason) => {
        console.log(`Connection failed: ${reason}`);
        process.exitCode = 1;
      },
      3: () => {
        console.log('Connected');
        say('Hello world!');
      },
      4: () => console.log('Connection closed'),
      8: (data) => {
        console.log(`Received: ${data}`);
        if (data.startsWith('Hello world!')) say('Hello again!');
      },
    },
    ssl_settings: {
      client_ssl_cert_filepath: certificates.client, // ws.pem: certificate and private key
      client_ssl_ca_filepath: certificates.ca, // only because the server's certificate is home-made
    },
    standalone: true,
  });
  if (!wso) throw new Error('The websocket object could not be made');

  function say(message) {
    verawebsockets.send(wso, message);
    console.log(`Sent: ${message}`);
  }

  console.log(`Connecting to ${url}`);
  verawebsockets.connect(wso);
  verawebsockets.loop();
}

/** Starts the server in a process of its own and runs the example against it. */
function demo() {
  const { makeCertificates } = require('./support/certificates');
  const certificates = makeCertificates();
  const server = fork(path.join(__dirname, 'support', 'demo-server.js'), [
    certificates.ca,
    certificates.server,
  ]);
  server.once('exit', (code) => {
    if (code) process.exitCode = code;
  });
  server.once('message', (port) => {
    try {
      example(`wss://localhost:${port}/`, certificates);
    } finally {
      server.disconnect();
    }
  });
}

if (require.main === module) demo();

module.exports = { example };
