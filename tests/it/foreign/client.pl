# Asks a FastCGI application with FCGI::Client (libfcgi-client-perl), a connection a request, as its author meant it.
# Reads {socket, requests: [{params, body}]}, prints {answers: [{stdout, stderr, status}]} with bytes as base64.
use strict;
use warnings;
use FCGI::Client;
use IO::Socket::UNIX;
use JSON::PP;
use MIME::Base64;

my $asked = decode_json(do { local $/; <STDIN> });
my @answers;
for my $request (@{ $asked->{requests} }) {
    my $socket = IO::Socket::UNIX->new(Peer => $asked->{socket}) or die "$asked->{socket}: $!";
    my $client = FCGI::Client::Connection->new(sock => $socket, timeout => 20);
    my ($out, $err, $status) = $client->request($request->{params}, decode_base64($request->{body}));
    push @answers, { stdout => encode_base64($out // '', ''), stderr => encode_base64($err // '', ''), status => $status + 0 };
}
print encode_json({ answers => \@answers });
