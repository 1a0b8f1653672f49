module Api
  class PluginsController < BaseController
    def index
      plugins = Foreman::Plugin.enabled.map { |plugin| { name: plugin.name, version: plugin.version } }
      render json: { total: plugins.size, subtotal: plugins.size, page: 1, per_page: plugins.size, search: nil,
                     sort: { by: nil, order: nil }, results: plugins }
    end
  end
end
