# `devenv shell`: the same tools as on any other machine, from Nix. rustup reads rust-toolchain.toml.
{ pkgs, ... }:

{
  packages = with pkgs; [
    cargo-deny
    curl
    gcc
    git
    gnumake
    jq
    nodejs_22
    pre-commit
    python313
    rustup
  ];

  enterTest = ''
    make test
  '';
}
