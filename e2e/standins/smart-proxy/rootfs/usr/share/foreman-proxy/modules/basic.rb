Proxy::Plugin.define :logs do
  answers do
    get '/' do
      json Proxy::Log.dump
    end
  end
end

Proxy::Plugin.define :facts, path: '/facts' do
  check { require 'facter' }
end
