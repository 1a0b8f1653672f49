Rails.application.routes.draw do
  root 'home#index'
  get  'users/login', to: 'users#login', as: :login
  post 'users/login', to: 'users#sign_in'
  post 'users/logout', to: 'users#logout'
  get  'unattended/:kind', to: 'home#unattended'
  get  'userdata/:kind', to: 'home#unattended'

  scope 'api(/:api_version)', api_version: /v2/, defaults: { format: :json }, module: :api do
    get 'ping', to: 'home#ping'
    get 'status', to: 'home#status'
    resources :plugins, only: :index
    resources(:smart_proxies, only: %i[index show create update destroy], id: %r{[^/]+}) do
      member do
        put :refresh
        get :version
      end
    end
    resources :subnets, only: %i[index create destroy]
    resources :organizations, only: %i[index show create]
    resources :settings, only: %i[index show update], id: %r{[^/]+}
  end

  Foreman::Plugin.enabled.each { |plugin| instance_exec(&plugin.routes) if plugin.routes }
end
