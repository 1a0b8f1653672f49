module Api
  class SettingsController < BaseController
    def index
      render_list(searched(Setting.order(:name), %w[name]))
    end

    def show
      render json: setting
    end

    def update
      return answer(:unprocessable_entity, "#{setting.name} is set in settings.yaml and read-only") if setting.readonly_by_file?
      setting.update!(value: params.require(:setting).require(:value))
      render json: setting
    end

    private

    def setting
      @setting ||= Setting.find_by(name: params[:id]) || Setting.find(params[:id])
    end
  end
end
